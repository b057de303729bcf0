import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { metricOf } from '../../src/informer/measurement.ts'
import type { Extensions } from '../../src/node/extensions.ts'
import { SimulatedCluster } from '../exported/simulated-cluster.ts'
import { simulateTrouble } from '../exported/simulated-trouble.ts'

const minuteMs = 60_000
const factors = (count: number): { replicationFactorMin: number, replicationFactorMax: number } => ({
  replicationFactorMin: count, replicationFactorMax: count
})

/** Whoever has the highest place gets the pin. */
const lastFirst = (at: number): Extensions => ({
  informers: [({ clock }) => ({
    name: 'place',
    ttlMs: 30_000,
    metrics: async self => [metricOf({ name: 'place', value: String(at) }, { self, now: clock.now(), ttlMs: 30_000 })]
  })],
  allocator: {
    allocateBy: ['place'],
    order: ({ candidates, priority, metrics }) => {
      const place = (peer: string): number => Number(metrics.get('place')?.get(peer)?.value)
      const sorted = (peers: ReadonlySet<string>): string[] => [...peers].toSorted((a, b) => place(b) - place(a))
      return [...sorted(priority), ...sorted(candidates)]
    }
  }
})

describe('a simulated cluster for tests of others', () => {
  it('has peers that agree, and that stand where a test puts them', async () => {
    const cluster = await SimulatedCluster.start({ peers: 3 })
    const cid = cluster.cid('item')
    await cluster.pin(0, cid, { name: 'item' })
    await cluster.advance(minuteMs)

    const everywhere = await cluster.status(2, cid)
    cluster.cutOff([2])
    await cluster.unpin(0, cid)
    await cluster.advance(minuteMs)
    const apart = [await cluster.pins(1), await cluster.pins(2)].map(pins => pins.length)
    cluster.heal()
    await cluster.advance(5 * minuteMs)

    assert.deepEqual(everywhere, ['pinned', 'pinned', 'pinned'])
    assert.deepEqual(apart, [0, 1])
    assert.deepEqual(await cluster.pins(2), [])
    await cluster.stop()
  })

  it('takes informers and an allocator from outside', async () => {
    const cluster = await SimulatedCluster.start({ peers: 3, extend: lastFirst })

    const { allocations } = await cluster.pin(1, cluster.cid('item'), factors(1))

    assert.deepEqual(allocations, [2])
    assert.deepEqual(cluster.metrics(0, 'place').map(({ value }) => value).toSorted(), ['0', '1', '2'])
    await cluster.stop()
  })

  it('loses nothing acknowledged when the power goes', async () => {
    const cluster = await SimulatedCluster.start({ peers: 2 })
    await cluster.pin(1, cluster.cid('item'))
    cluster.crashPeer(1)
    assert.throws(() => cluster.metrics(1, 'ping'), /doesn't run/)
    cluster.startPeer(1)
    await cluster.advance(2 * minuteMs)

    assert.equal((await cluster.pins(1)).length, 1)
    await cluster.stop()
  })

  it('rejects with what the peer says, and names places that are not there', async () => {
    const cluster = await SimulatedCluster.start({ peers: 1 })

    await assert.rejects(cluster.pin(0, cluster.cid('item'), factors(2)), { code: 'NOT_ENOUGH_PEERS' })
    assert.throws(() => cluster.id(1), /there are 1 peers/)
    await cluster.stop()
  })

  it('can be put into trouble', async () => {
    const [one, again] = [await simulateTrouble({ seed: 3, extend: lastFirst }), await simulateTrouble({ seed: 3, extend: lastFirst })]

    assert.deepEqual(one.faults, [])
    assert.ok(one.acknowledged > 0)
    assert.deepEqual(again, one)
  })
})
