import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Allocator } from '../../src/allocator/allocator.ts'
import type { PeerId } from '../../src/model/cid.ts'
import type { Metric } from '../../src/model/metric.ts'

/** What every allocator promises. `make` is given names of metrics that all peers have. */
export function allocatorContract (name: string, make: (allocateBy: readonly string[]) => Allocator): void {
  const names = ['tag:group', 'freespace']
  const peers = ['p1', 'p2', 'p3', 'p4', 'p5']

  const metricOf = (metric: string, peer: PeerId, index: number): Metric => ({
    name: metric,
    peer,
    value: metric.startsWith('tag:') ? `group ${index % 2}` : String(index * 100),
    weight: metric.startsWith('tag:') ? 0n : BigInt(index * 100),
    partitionable: metric.startsWith('tag:'),
    valid: true,
    expire: 0n,
    receivedAt: 0n
  })
  const metrics = new Map(names.map(metric => [metric, new Map(peers.map((peer, index) => [peer, metricOf(metric, peer, index)]))]))

  describe(`allocator contract: ${name}`, () => {
    it('names each peer once, those with priority before the candidates', () => {
      const order = make(names).order({ candidates: new Set(['p1', 'p2', 'p5']), priority: new Set(['p3', 'p4']), metrics })

      assert.deepEqual(order.slice(0, 2).toSorted(), ['p3', 'p4'])
      assert.deepEqual(order.slice(2).toSorted(), ['p1', 'p2', 'p5'])
    })

    it('gives the same order for the same input', () => {
      const input = { candidates: new Set(peers), priority: new Set<PeerId>(), metrics }
      const allocator = make(names)

      const first = allocator.order(input)

      assert.deepEqual(allocator.order(input), first)
      assert.deepEqual(make(names).order({ ...input, candidates: new Set(peers.toReversed()) }), first)
    })

    it('has nothing to order when nobody may be chosen', () => {
      assert.deepEqual(make(names).order({ candidates: new Set(), priority: new Set(), metrics }), [])
    })

    it('tells by which metrics it goes', () => {
      assert.deepEqual([...make(names).allocateBy], names)
    })
  })
}
