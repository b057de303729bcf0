import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { SyncWatch } from '../../../../src/cluster/sync/sync-watch.ts'
import type { SyncState } from '../../../../src/cluster/cluster-api.ts'
import type { Heard } from '../../../../src/cluster/sync/sync-watch.ts'
import type { PinsetClaim } from '../../../../src/model/pinset-metric.ts'

const [intervalMs, passMs] = [60_000, 10_000]

/** A claim that is named by its heads and its values. */
const claimOf = (heads: readonly string[], values: string, isComplete = true): PinsetClaim => ({
  pins: 1, digest: values, point: heads.join(), heads: [...heads], isComplete
})

describe('the watch over other pinsets', () => {
  let watch: SyncWatch
  let now: number
  let own: { heads: string[], values: string, isComplete?: boolean }
  let merged: Set<string>

  beforeEach(() => {
    watch = new SyncWatch({ intervalMs, passMs })
    now = 1_000_000
    own = { heads: ['a'], values: 'x' }
    merged = new Set(['a'])
  })

  function pass (heard: Heard[]): void {
    for (const head of own.heads) merged.add(head)
    watch.pass({ now, own: claimOf(own.heads, own.values, own.isComplete), ownHeads: own.heads, heard, isMerged: head => merged.has(head) })
    now += passMs
  }
  const node = (heads: string[], values: string, isComplete = true): Heard => ({
    peer: 'p', heads, claim: claimOf(heads, values, isComplete)
  })
  const go = (heads: string[]): Heard => ({ peer: 'p', heads, claim: undefined })
  const state = (): SyncState | undefined => watch.rows()[0]?.state
  const passes = (count: number, heard: () => Heard): void => { for (let at = 0; at < count; at++) pass([heard()]) }

  it('finds a peer in step, now or a while ago', () => {
    pass([node(['a'], 'x')])
    assert.equal(state(), 'in_sync')

    own = { heads: ['b'], values: 'y' }
    pass([node(['a'], 'x')])
    assert.equal(state(), 'in_sync')
  })

  it('tells a peer that differs, and after the interval that it is out of sync', () => {
    pass([node(['a'], 'other')])
    assert.equal(state(), 'differs')
    passes(intervalMs / passMs - 1, () => node(['a'], 'other'))
    assert.equal(state(), 'differs')

    pass([node(['a'], 'other')])
    assert.equal(state(), 'out_of_sync')

    pass([node(['a'], 'x')])
    assert.equal(state(), 'in_sync')
  })

  it('does not forget a difference when changes come in between', () => {
    pass([node(['a'], 'other')])
    for (let at = 0; at < 6; at++) {
      own = { heads: [`b${at}`], values: `y${at}` }
      pass([node([`c${at}`], 'something')])
    }
    assert.equal(state(), 'out_of_sync')
  })

  it('does not forget a difference when a metric is lost in between, but shows nobody who is not heard', () => {
    pass([node(['a'], 'other')])
    pass([])
    assert.equal(state(), undefined)
    passes(intervalMs / passMs - 1, () => node(['a'], 'other'))

    assert.equal(state(), 'out_of_sync')
  })

  it('does not take one for different that misses blocks, or while this peer does', () => {
    passes(20, () => node(['a'], 'other', false))
    assert.equal(state(), 'behind')

    own = { ...own, isComplete: false }
    watch = new SyncWatch({ intervalMs, passMs })
    passes(20, () => node(['a'], 'other'))
    assert.equal(state(), 'behind')
  })

  it('tells heads that are not here, until they are', () => {
    passes(3, () => node(['new'], 'y'))
    assert.equal(state(), 'ahead')
    assert.deepEqual(watch.missing(20_000), [{ peer: 'p', heads: ['new'] }])
    assert.deepEqual(watch.missing(intervalMs), [])

    merged.add('new')
    own = { heads: ['new'], values: 'y' }
    pass([node(['new'], 'y')])
    assert.deepEqual([state(), watch.missing(0)], ['in_sync', []])
  })

  it('measures how long one head is missing, not how long there is always a new one', () => {
    for (let at = 0; at < 20; at++) {
      pass([node([`new ${at}`], 'y')])
      merged.add(`new ${at}`)
    }
    assert.deepEqual(watch.missing(2 * passMs), [])
  })

  it('takes a peer for behind that has not had this one\'s heads for longer than the interval', () => {
    pass([node(['a'], 'x')])
    own = { heads: ['b'], values: 'y' }
    merged.add('b')
    // the point that it was in step with is forgotten after one interval; then another one passes
    passes(5, () => node(['a'], 'x'))
    assert.equal(state(), 'in_sync')
    passes(8, () => node(['a'], 'x'))
    assert.equal(state(), 'behind')
  })

  it('lets heads stand in for a peer that tells no digest, also beside heads that are none any more', () => {
    pass([go(['a'])])
    assert.equal(state(), 'in_sync')
    merged.add('old')
    watch = new SyncWatch({ intervalMs, passMs })
    pass([go(['a', 'old'])])
    assert.equal(state(), 'in_sync')
    watch = new SyncWatch({ intervalMs, passMs })
    passes(10, () => go(['old']))
    assert.equal(state(), 'behind')
  })

  it('does not count time in which this process stood still', () => {
    pass([node(['a'], 'other')])
    now += 10 * intervalMs

    pass([node(['a'], 'other')])

    assert.equal(state(), 'differs')
  })

  it('suspects who was not seen in step for a quarter of an interval, and believes keys only that show the same for an interval', () => {
    let at = 0
    const busy = (): Heard => {
      own = { heads: [`mine ${at}`], values: `v${at}` }
      const theirs = [`theirs ${at++}`]
      merged.add(theirs[0] as string)
      return node(theirs, `w${at}`)
    }
    passes(2, busy)
    assert.deepEqual(watch.suspects(), [])
    passes(1, busy)
    assert.deepEqual(watch.suspects(), ['p'])

    for (let round = 0; round < 8; round++) {
      watch.compared('p', { keys: new Map([['/K', `here${round}:there`]]), look: round, settled: round, now })
      passes(1, busy)
      assert.notEqual(state(), 'out_of_sync', 'a key that changes all the time')
    }
    for (let round = 0; round < 7; round++) {
      watch.compared('p', { keys: new Map([['/K', 'here:there'], [`/K${round}`, 'x:y']]), look: 10 + round, settled: 9, now })
      passes(1, busy)
    }
    assert.equal(watch.suspects().length, 1)
    watch.compared('p', { keys: new Map([['/K', 'here:there']]), look: 20, settled: 9, now })
    assert.notEqual(state(), 'out_of_sync', 'one side had not merged yet what the other had')
    watch.compared('p', { keys: new Map([['/K', 'here:there']]), look: 21, settled: 10, now })
    assert.notEqual(state(), 'out_of_sync', 'what one side has written again since then, the other may not have heard')
    watch.compared('p', { keys: new Map([['/K', 'here:there']]), look: 22, settled: 20, now })
    assert.notEqual(state(), 'out_of_sync', 'both have merged the heads of a look before')
    watch.compared('p', { keys: new Map([['/K', 'here:there']]), look: 23, settled: 21, now })
    assert.equal(state(), 'out_of_sync')

    watch.compared('p', { keys: new Map(), look: 24, settled: 21, now })
    assert.equal(state(), 'in_sync')
    assert.deepEqual(watch.suspects(), [])
  })

  it('believes keys that differ for an interval, also when a difference at equal heads has just been seen', () => {
    merged.add('theirs')
    pass([node(['theirs'], 'w')])
    watch.compared('p', { keys: new Map([['/K', 'x:y']]), look: 0, settled: -1, now })
    passes(4, () => node(['theirs'], 'w'))
    watch.compared('p', { keys: new Map([['/K', 'x:y']]), look: 1, settled: 0, now })
    passes(1, () => node(['theirs'], 'w'))
    pass([node(['a'], 'other')])
    assert.equal(state(), 'differs')
    watch.compared('p', { keys: new Map([['/K', 'x:y']]), look: 2, settled: 1, now })
    passes(1, () => node(['theirs'], 'w'))

    assert.equal(state(), 'out_of_sync')
  })

  it('forgets who is not heard any more, and says what has changed', () => {
    const first = watch.pass({ now, own: claimOf(['a'], 'x'), ownHeads: ['a'], heard: [node(['a'], 'x')], isMerged: () => true })
    const second = watch.pass({
      now: now + passMs, own: claimOf(['a'], 'x'), ownHeads: ['a'], heard: [node(['a'], 'x')], isMerged: () => true
    })

    assert.deepEqual([first.map(({ state: one, since }) => [one, since]), second], [[['in_sync', now]], []])
    pass([])
    assert.deepEqual(watch.rows(), [])
  })
})
