import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { balancedAllocator } from '../../../../src/allocator/balanced/balanced-allocator.ts'
import type { PeerId } from '../../../../src/model/cid.ts'
import type { Metric } from '../../../../src/model/metric.ts'

interface VectorMetric { Name: string, Peer: PeerId, Value: string, Weight: number, Partitionable: boolean }
interface Vector { allocate_by: string[], candidates: VectorMetric[], priority: VectorMetric[], result: PeerId[] }

const vectors = readFileSync(
  new URL('../../../vectors/state/allocator-balanced.jsonl', import.meta.url), 'utf8'
).trim().split('\n').map(line => JSON.parse(line) as Vector)

const metric = (name: string, peer: PeerId, value: string, weight: number, partitionable: boolean): Metric =>
  ({ name, peer, value, weight: BigInt(weight), partitionable, valid: true, expire: 0n, receivedAt: 0n })

function byName (metrics: readonly Metric[]): Map<string, Map<PeerId, Metric>> {
  const all = new Map<string, Map<PeerId, Metric>>()
  for (const one of metrics) all.set(one.name, (all.get(one.name) ?? new Map()).set(one.peer, one))
  return all
}

describe('balanced allocator', () => {
  for (const [index, vector] of vectors.entries()) {
    it(`orders as Go does: recorded case ${index + 1}, by ${vector.allocate_by.join(', ')}`, () => {
      const read = (list: VectorMetric[]): Metric[] => list.map(one => metric(one.Name, one.Peer, one.Value, one.Weight, one.Partitionable))
      const candidates = new Set(vector.candidates.map(one => one.Peer))
      const priority = new Set(vector.priority.map(one => one.Peer))
      const metrics = byName([...read(vector.candidates), ...read(vector.priority)])

      const order = balancedAllocator({ allocateBy: vector.allocate_by }).order({ candidates, priority, metrics })

      assert.deepEqual(order, vector.result)
    })
  }

  it('goes round regions, then zones, then queues, then free space, and ignores metrics that it was not told of', () => {
    const rows = [
      ['1', 'a-us', 'us1', '100', 0, 100], ['2', 'a-us', 'us2', '200', 0, 500],
      ['3', 'b-eu', 'eu1', '100', 0, 200], ['4', 'b-eu', 'eu1', '200', 0, 400], ['5', 'b-eu', 'eu2', '300', 0, 10],
      ['6', 'c-au', 'au1', '100', 0, 50], ['7', 'c-au', 'au1', '1000', -1, 600]
    ] as const
    const metrics = byName(rows.flatMap(([peer, region, zone, queued, queueWeight, free]) => [
      metric('region', peer, region, 0, true),
      metric('az', peer, zone, 0, true),
      metric('pinqueue', peer, queued, queueWeight, true),
      metric('freespace', peer, String(free), free, false),
      metric('abc', peer, peer, 1000, true)
    ]))
    const candidates = new Set(rows.map(([peer]) => peer))

    const order = balancedAllocator({
      allocateBy: ['region', 'az', 'pinqueue', 'freespace']
    }).order({ candidates, priority: new Set(), metrics })

    assert.deepEqual(order, ['6', '4', '2', '7', '5', '1', '3'])
  })

  it('breaks ties by peer ID, whatever the order of its input', () => {
    const metrics = byName(['c', 'a', 'd', 'b'].map(peer => metric('freespace', peer, '5', 5, false)))
    const allocator = balancedAllocator({ allocateBy: ['freespace'] })

    const order = allocator.order({ candidates: new Set(['d', 'b', 'c', 'a']), priority: new Set(), metrics })

    assert.deepEqual(order, ['a', 'b', 'c', 'd'])
  })

  it('takes peers of one group of the last metric by peer ID', () => {
    const metrics = byName(['c', 'a', 'b'].map(peer => metric('tag:group', peer, 'same', 0, true)))

    const order = balancedAllocator({ allocateBy: ['tag:group'] }).order({
      candidates: new Set(['c', 'b', 'a']), priority: new Set(), metrics
    })

    assert.deepEqual(order, ['a', 'b', 'c'])
  })
})
