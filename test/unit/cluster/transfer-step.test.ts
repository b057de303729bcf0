import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { goalOf, transferStep } from '../../../src/cluster/rebalance/transfer-step.ts'
import type { ReportedStatus, TransferView } from '../../../src/cluster/rebalance/transfer-step.ts'
import { SeededRandom } from '../../support/sim-clock.ts'

const pinOn = (allocations: string, min = 2, max = min) => ({
  allocations: allocations === '' ? [] : allocations.split(' '), replicationFactorMin: min, replicationFactorMax: max
})

interface View {
  pin: TransferView['pin']
  reported?: Record<string, ReportedStatus>
  candidates?: string[]
  added?: string[]
  goal?: number
}

function step (view: View) {
  const { pin, reported = {}, candidates = [], added = [], goal = goalOf(pin) } = view
  return transferStep({
    pin, from: 'a', goal, reported: new Map(Object.entries(reported)), added: new Set(added), candidates: () => candidates
  })
}

describe('the next step of a pin that leaves a peer', () => {
  it('gives it to another peer first, behind those that have it', () => {
    assert.deepEqual(
      step({ pin: pinOn('b a'), reported: { b: 'has' }, candidates: ['c', 'd'] }),
      { do: 'commit', allocations: ['b', 'a', 'c'], isLast: false, isFewer: false }
    )
  })

  it('waits for who is coming', () => {
    assert.deepEqual(step({ pin: pinOn('b a c'), reported: { b: 'has', c: 'coming' }, candidates: ['d'] }), { do: 'wait' })
  })

  it('takes the peer out when the others have it', () => {
    assert.deepEqual(
      step({ pin: pinOn('b a c'), reported: { b: 'has', c: 'has' } }),
      { do: 'commit', allocations: ['b', 'c'], isLast: true, isFewer: false }
    )
  })

  it('replaces a new holder that failed, and one that died, without counting on it', () => {
    assert.deepEqual(
      step({ pin: pinOn('b a c'), reported: { b: 'has', c: 'failed' }, added: ['c'], candidates: ['d'] }),
      { do: 'commit', allocations: ['b', 'a', 'd'], isLast: false, isFewer: false }
    )
    assert.deepEqual(
      step({ pin: pinOn('b a'), reported: {}, candidates: ['c', 'd', 'e'] }),
      { do: 'commit', allocations: ['b', 'a', 'c', 'd'], isLast: false, isFewer: false }
    )
  })

  it('leaves out of a pin with too many holders those that have not got it', () => {
    assert.deepEqual(
      step({ pin: pinOn('b a c d'), reported: { b: 'failed', c: 'has', d: 'has' } }),
      { do: 'commit', allocations: ['c', 'd'], isLast: true, isFewer: false }
    )
  })

  it('gives up a copy that nobody can take, and never the minimum', () => {
    assert.deepEqual(
      step({ pin: pinOn('b a', 1, 2), reported: { b: 'has' } }), { do: 'commit', allocations: ['b'], isLast: true, isFewer: true }
    )
    assert.deepEqual(step({ pin: pinOn('b a', 2, 2), reported: { b: 'has' } }), { do: 'stuck' })
    assert.deepEqual(step({ pin: pinOn('b a', 1, 2), reported: { b: 'failed' } }), { do: 'stuck' })
    assert.deepEqual(step({ pin: pinOn('a', 0, 0) }), { do: 'stuck' })
  })

  it('keeps as many holders as there are, within the factors', () => {
    assert.deepEqual(
      [goalOf(pinOn('a b', 1, 3)), goalOf(pinOn('a b c d', 1, 3)), goalOf(pinOn('a', 2, 3)), goalOf(pinOn('a b', -1, -1))], [2, 3, 2, 2]
    )
  })

  it('never takes the peer out before the minimum has it, gives a pin twice to nobody, and ends when all do their work (20,000 drawn cases)', () => {
    const random = new SeededRandom(17)
    const whole = (below: number): number => Math.floor(random.float() * below)
    const peers = ['a', 'b', 'c', 'd', 'e', 'f']
    for (let at = 0; at < 20_000; at++) {
      const min = 1 + whole(3)
      const pin = {
        allocations: ['a', ...peers.slice(1).filter(() => random.float() < 0.4)].toSorted(() => random.float() - 0.5),
        replicationFactorMin: min, replicationFactorMax: min + whole(2)
      }
      const reported = new Map(peers.map(peer => [peer, (['has', 'coming', 'failed'] as const)[whole(3)] ?? 'has']))
      const candidates = peers.slice(1).filter(() => random.float() < 0.5)
      const found = transferStep({
        pin, from: 'a', goal: goalOf(pin), reported, added: new Set(peers.filter(() => random.float() < 0.3)), candidates: () => candidates
      })
      if (found.do !== 'commit') continue

      const { allocations } = found
      assert.equal(new Set(allocations).size, allocations.length)
      assert.equal(allocations.includes('a'), !found.isLast)
      if (found.isLast)
        assert.ok(
          allocations.filter(peer => reported.get(peer) === 'has').length >= min
            && allocations.length <= Math.max(min, pin.replicationFactorMax),
          JSON.stringify({ pin, reported: [...reported], found })
        )
      else assert.ok(
        pin.allocations.filter(peer => reported.get(peer) === 'has').every(peer => allocations.includes(peer))
          && allocations.some(peer => !pin.allocations.includes(peer))
      )
    }
  })
})
