import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { faultKinds, scheduleOf } from '../../chaos/schedule.ts'
import { checkSet } from '../../chaos/set-checker.ts'
import type { Asked, Read, RoundHistory } from '../../chaos/set-checker.ts'
import { Dice } from '../../sim/dice.ts'

const asked = (wish: Asked['wish'], element: string, change: Partial<Asked> = {}): Asked => ({
  wish, element, peer: 0, began: 1, ended: 2, outcome: 'acknowledged', ...change
})
const read = (elements: string[], change: Partial<Read> = {}): Read => ({
  peer: 0, began: 100, ended: 101, elements: new Set(elements), ...change
})
const check = (change: Partial<RoundHistory>): string[] => checkSet({
  before: new Map(), asked: [], reads: [], last: [read([])], ...change
}).faults

describe('the checker of a set', () => {
  it('finds what was acknowledged and is lost, in this round or an earlier one', () => {
    assert.deepEqual(check({ asked: [asked('add', 'a')] }), ['a was acknowledged and is lost'])
    assert.deepEqual(check({ before: new Map([['a', 'in']]) }), ['a was acknowledged and is lost'])
    assert.deepEqual(check({ before: new Map([['a', 'in']]), asked: [asked('remove', 'a', { outcome: 'refused' })] }).length, 1)
  })

  it('finds what was removed and comes back, in this round or a later one', () => {
    const back = ['a was removed and has come back']

    assert.deepEqual(check({ before: new Map([['a', 'in']]), asked: [asked('remove', 'a')], last: [read(['a'])] }), back)
    assert.deepEqual(check({ before: new Map([['a', 'out']]), last: [read(['a'])] }), back)
  })

  it('finds what nobody asked for, and what was refused and is there', () => {
    assert.deepEqual(check({ last: [read(['a'])] }), ['a is there, and nobody has asked for it'])
    assert.equal(check({ asked: [asked('add', 'a', { outcome: 'refused' })], last: [read(['a'])] }).length, 1)
  })

  it('takes either for what got no answer, and holds on to what it was then', () => {
    for (const elements of [[], ['a']]) {
      const { faults, after } = checkSet({
        before: new Map(), asked: [asked('add', 'a', { outcome: 'unknown' })], reads: [], last: [read(elements)]
      })
      assert.deepEqual([faults, after.get('a')], [[], elements.length === 0 ? 'out' : 'in'])
      assert.deepEqual(
        check({ before: new Map([['a', 'in']]), asked: [asked('remove', 'a', { outcome: 'unknown' })], last: [read(elements)] }), []
      )
    }
  })

  it('finds peers that differ', () => {
    const faults = check({ asked: [asked('add', 'a', { outcome: 'unknown' })], last: [read(['a']), read([], { peer: 1 })] })

    assert.deepEqual(faults, ['the peers 0 and 1 differ in a'])
  })

  it('finds a peer that does not know what it has acknowledged, already in trouble', () => {
    const own = { asked: [asked('add', 'a')], last: [read(['a'])] }

    assert.deepEqual(check({ ...own, reads: [read([], { began: 3, ended: 4 })] }), ['the peer 0 acknowledged a and doesn\'t know it'])
    assert.deepEqual(check({ ...own, reads: [read([], { began: 1, ended: 3 })] }), [], 'it was asked before it had acknowledged')
    assert.deepEqual(check({ ...own, reads: [read([], { began: 3, ended: 4, peer: 1 })] }), [], 'another peer may not have heard of it')
    assert.deepEqual(
      check({
        asked: [asked('add', 'a'), asked('remove', 'a', { peer: 1, began: 3, ended: 9 })], last: [read([])],
        reads: [read([], { began: 4, ended: 5 })]
      }), [], 'somebody removes it'
    )
    assert.deepEqual(
      check({
        before: new Map([['a', 'in']]), asked: [asked('remove', 'a')], last: [read([])], reads: [read(['a'], { began: 3, ended: 4 })]
      }),
      ['the peer 0 acknowledged that a is removed and has it']
    )
  })
})

describe('the schedule of troubles', () => {
  const schedule = (seed: number, kinds = [...faultKinds]): ReturnType<typeof scheduleOf> =>
    scheduleOf(new Dice(seed), { peers: 3, kinds, lengthMs: 1000 })

  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(schedule(1), schedule(1))
    assert.notDeepEqual(schedule(1), schedule(2))
  })

  it('has every kind, of peers that are there, within the time, and damages before anything else', () => {
    const all = Array.from({ length: 200 }, (_, seed) => schedule(seed))

    assert.deepEqual(new Set(all.flat().map(({ kind }) => kind)), new Set(faultKinds))
    assert.ok(all.flat().every(({ peer, atMs, forMs }) => [0, 1, 2].includes(peer) && atMs >= 0 && atMs <= 1000 && forMs <= 1000))
    assert.ok(all.every(faults => faults.slice(1).every(({ kind }) => kind !== 'flip')))
    assert.ok(all.every(faults => faults.length > 0))
  })

  it('has only the kinds that are asked for', () => {
    for (let seed = 0; seed < 50; seed++) assert.ok(schedule(seed, ['kill']).every(({ kind }) => kind === 'kill'))
    assert.deepEqual(schedule(1, ['flip']).map(({ kind }) => kind), ['flip'])
  })
})
