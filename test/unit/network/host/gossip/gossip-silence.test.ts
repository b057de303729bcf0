import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GossipSilence } from '../../../../../src/network/host/gossip/gossip-silence.ts'
import type { Remedy } from '../../../../../src/network/host/gossip/gossip-silence.ts'

const second = 1000
const both = new Set(['one', 'two'])

/** Passes every second of a simulated time. */
function listening () {
  const silence = new GossipSilence({ afterMs: 45 * second, intervalMs: second })
  let now = 0
  const pass = (seconds: number, { connected = both, heard = [] as string[] } = {}): Remedy[] => {
    const due: Remedy[] = []
    for (let at = 0; at < seconds; at++) {
      now += second
      for (const peer of heard) silence.heard(peer)
      due.push(...silence.pass(now, connected))
    }
    return due
  }
  pass(1)
  return { silence, pass, standStill: (ms: number) => { now += ms } }
}

describe('who is silent in gossip', () => {
  it('is a connected peer of which nothing comes for the time given, and not before', () => {
    const { silence, pass } = listening()

    const before = pass(44, { heard: ['two'] })
    const reportBefore = silence.report()
    const then = pass(1, { heard: ['two'] })

    assert.deepEqual([before, reportBefore], [[], { silent: [], heard: 2 }])
    assert.deepEqual([then, silence.report()], [[{ peer: 'one', renew: 'streams', silentMs: 45_000 }], { silent: ['one'], heard: 1 }])
  })

  it('gets new streams first, then new connections, each after twice the time', () => {
    const { pass } = listening()

    const due = pass(45 + 90 + 180 + 360, { connected: new Set(['one']) })

    assert.deepEqual(
      due.map(({ renew, silentMs }) => [renew, silentMs]),
      [['streams', 45_000], ['connection', 90_000], ['connection', 180_000], ['connection', 360_000]]
    )
  })

  it('is fine again as soon as something comes, and gets more time when it falls silent again soon', () => {
    const { silence, pass } = listening()
    pass(45)

    const was = silence.heard('one')
    const soon = pass(89, { heard: ['two'] })

    assert.deepEqual([was, silence.heard('two'), soon, silence.report()], [true, false, [], { silent: [], heard: 2 }])
    assert.deepEqual(pass(1, { heard: ['two'] }).map(({ peer }) => peer), ['one'])
  })

  it('is judged anew after ten good minutes', () => {
    const { silence, pass } = listening()
    pass(45, { heard: ['two'] })
    silence.heard('one')
    pass(600, { heard: ['one', 'two'] })

    const due = pass(45, { heard: ['two'] })

    assert.equal(due.length, 1)
  })

  it('is nobody while this process stood still', () => {
    const { silence, pass, standStill } = listening()
    pass(40)

    standStill(600 * second)
    pass(2, { heard: [] })

    assert.deepEqual(silence.report(), { silent: [], heard: 2 })
  })

  it('is nobody who says that its metrics come more slowly', () => {
    const { silence, pass } = listening()
    for (const peer of both) silence.holds(peer, 600 * second)

    const due = pass(899)

    assert.deepEqual(due, [])
    assert.equal(pass(1).length, 2)
  })

  it('stays silent through a new connection, and is not counted while it is gone', () => {
    const { silence, pass } = listening()
    pass(91, { heard: ['two'] })

    pass(1, { connected: new Set(['two']), heard: ['two'] })
    const gone = silence.report()
    pass(1, { heard: ['two'] })

    assert.deepEqual([gone, silence.report()], [{ silent: [], heard: 1 }, { silent: ['one'], heard: 1 }])
  })

  it('is forgotten after ten minutes away', () => {
    const { silence, pass } = listening()
    pass(91)
    pass(601, { connected: new Set() })

    pass(1)

    assert.deepEqual(silence.report(), { silent: [], heard: 2 })
  })
})
