import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BalanceMove, BalancePeer } from '../../../src/cluster/rebalance/balance-plan.ts'
import { BalancePlan } from '../../../src/cluster/rebalance/balance-plan.ts'
import { SeededRandom } from '../../support/sim-clock.ts'

interface Item { cid: string, allocations: string[], replicationFactorMin: number, replicationFactorMax: number }

const peerOf = (peer: string, capacity = 1, groups: string[] = [], takes = true): BalancePeer => ({ peer, capacity, groups, takes })
const item = (cid: string, ...allocations: string[]): Item => ({
  cid, allocations, replicationFactorMin: 1, replicationFactorMax: Math.max(1, allocations.length)
})
const items = (count: number, ...allocations: string[]): Item[] =>
  Array.from({ length: count }, (_, at) => item(`${allocations.join('')}${at}`, ...allocations))

function planOf (peers: readonly BalancePeer[], pins: readonly Item[]) {
  const plan = new BalancePlan(peers)
  for (const pin of pins) plan.count(pin)
  const moves = pins.map(pin => plan.moveOf(pin)).filter(move => move != null)
  return {
    plan, moves, figures: plan.figures(), goals: Object.fromEntries(plan.figures().map(({ peer, goal }) => [peer, goal])),
    after: Object.fromEntries(plan.figures().map(({ peer, after }) => [peer, after]))
  }
}

function applied (pins: readonly Item[], moves: ReadonlyArray<BalanceMove<string>>): Item[] {
  const byCid = new Map(moves.map(move => [move.cid, move]))
  return pins.map(pin => ({
    ...pin, allocations: pin.allocations.map(peer => peer === byCid.get(pin.cid)?.from ? byCid.get(pin.cid)?.to ?? peer : peer)
  }))
}

describe('the plan of a rebalance', () => {
  it('gives a new peer its share, and moves nothing else', () => {
    const { moves, after } = planOf(['a', 'b', 'c'].map(peer => peerOf(peer)), [...items(30, 'a'), ...items(30, 'b')])

    assert.equal(moves.length, 20)
    assert.deepEqual(after, { a: 20, b: 20, c: 20 })
    assert.ok(moves.every(({ to, why }) => to === 'c' && why === 'load'))
  })

  it('goes by capacity: a larger disk gets more', () => {
    const { after } = planOf([peerOf('a', 1), peerOf('b', 3)], [...items(50, 'a'), ...items(50, 'b')])

    assert.deepEqual(after, { a: 25, b: 75 })
  })

  it('gives no peer more than there are pins', () => {
    const { goals } = planOf([peerOf('a', 1000), peerOf('b', 1), peerOf('c', 1)], [...items(30, 'a', 'b'), ...items(30, 'a', 'c')])

    assert.deepEqual(goals, { a: 60, b: 30, c: 30 })
  })

  it('leaves a cluster alone that is near enough to it', () => {
    assert.deepEqual(planOf([peerOf('a'), peerOf('b')], [...items(101, 'a'), ...items(99, 'b')]).moves, [])
  })

  it('gives nothing to who takes none, and takes only what is too much', () => {
    const { moves, after } = planOf([peerOf('a', 1, [], false), peerOf('b'), peerOf('c')], [...items(10, 'a'), ...items(50, 'b')])

    assert.ok(moves.every(({ from, to }) => from === 'b' && to === 'c'))
    assert.deepEqual(after, { a: 10, b: 25, c: 25 })
  })

  it('lets pins alone that go everywhere, move already, or have a holder that is not there', () => {
    const pins = [
      ...items(20, 'a', 'gone'), { ...item('everywhere'), replicationFactorMin: -1, replicationFactorMax: -1 },
      { ...item('moving', 'a', 'b'), replicationFactorMax: 1 }
    ]
    const { plan, moves } = planOf([peerOf('a'), peerOf('b')], pins)

    assert.deepEqual([plan.pins, moves], [0, []])
  })

  it('brings pins into more groups first, and never into fewer', () => {
    const peers = [peerOf('a', 1, ['x']), peerOf('b', 1, ['x']), peerOf('c', 1, ['y']), peerOf('d', 1, ['y'])]
    const { moves, after } = planOf(peers, [...items(10, 'a', 'b'), ...items(10, 'c', 'd')])

    assert.equal(moves.length, 20)
    assert.ok(moves.every(({ why }) => why === 'group'))
    assert.ok(Object.values(after).every(pins => pins === 10), JSON.stringify(after))
  })

  it('needs no more moves than what is too much, keeps copies and groups, and says the same twice (1,000 drawn clusters)', () => {
    const random = new SeededRandom(5)
    const whole = (below: number): number => Math.floor(random.float() * below)
    for (let at = 0; at < 1000; at++) {
      const hasGroups = random.float() < 0.5
      const peers = Array.from({ length: 2 + whole(6) }, (_, one) => peerOf(`p${one}`, 1 + whole(4), hasGroups ? [`g${whole(3)}`] : []))
      const names = peers.map(({ peer }) => peer)
      const pins = Array.from({ length: whole(200) }, (_, one) => item(`cid${one}`, ...names.filter(() => random.float() < 0.4)))
      const { moves, figures, plan } = planOf(peers, pins)
      const surplus = figures.reduce((sum, one) => sum + Math.max(0, one.pins - one.goal), 0)
      const groupMoves = moves.filter(({ why }) => why === 'group').length
      const groupsOf = ({ allocations }: Item): number =>
        new Set(allocations.map(peer => peers.find(one => one.peer === peer)?.groups[0])).size
      const later = applied(pins, moves)

      assert.ok(moves.length - groupMoves <= surplus + groupMoves, `${moves.length} moves, ${surplus} too much, ${groupMoves} for groups`)
      assert.equal(figures.reduce((sum, one) => sum + one.goal, 0), figures.reduce((sum, one) => sum + one.pins, 0))
      assert.ok(figures.every(({ goal }) => goal <= plan.pins))
      for (const [index, pin] of later.entries()) {
        const before = pins[index] as Item
        assert.equal(new Set(pin.allocations).size, before.allocations.length)
        if (hasGroups) assert.ok(groupsOf(pin) >= groupsOf(before))
      }
      assert.deepEqual(planOf(peers, pins).moves, moves)
    }
  })

  it('brings everybody who gives to its goal with exactly as many moves as are too much, where each pin is on one peer (300 drawn clusters)', () => {
    const random = new SeededRandom(6)
    const whole = (below: number): number => Math.floor(random.float() * below)
    for (let at = 0; at < 300; at++) {
      const peers = Array.from({ length: 2 + whole(6) }, (_, one) => peerOf(`p${one}`, 1 + whole(4)))
      const pins = Array.from({ length: whole(300) }, (_, one) => item(`cid${one}`, `p${whole(peers.length)}`))
      const { moves, figures } = planOf(peers, pins)
      const giving = figures.filter(({ pins: before, goal }) => before > goal * 1.02)

      assert.equal(moves.length, giving.reduce((sum, one) => sum + one.pins - one.goal, 0))
      assert.ok(giving.every(({ after, goal }) => after === goal))
    }
  })
})
