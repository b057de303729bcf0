import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { balancedAllocator } from '../../../src/allocator/balanced/balanced-allocator.ts'
import { metricOf } from '../../../src/informer/measurement.ts'
import { drainAwareInformer } from '../../../src/informer/drain-aware-informer.ts'
import type { Metric } from '../../../src/model/metric.ts'

const metricWith = (name: string, self: string, weight: bigint): Metric =>
  metricOf({ name, value: String(weight), weight }, { self, now: 0, ttlMs: 1000 })

describe('the metrics of a peer that is drained', () => {
  it('weigh as if it had no room, and tell what was measured', async () => {
    let isDraining = false
    const informer = drainAwareInformer(
      { name: 'freespace', ttlMs: 1000, metrics: async self => [metricWith('freespace', self, 500n)] }, () => isDraining
    )

    const [before] = await informer.metrics('a')
    isDraining = true
    const [during] = await informer.metrics('a')

    assert.deepEqual([before?.weight, during?.weight, during?.value, during?.valid], [500n, 0n, '500', true])
  })

  it('let an allocator choose it last, by each metric that there is', async () => {
    for (const [name, weight] of [['freespace', 500n], ['reposize', -5n], ['pinqueue', 0n]] as const) {
      const [drained] = await drainAwareInformer(
        { name, ttlMs: 1000, metrics: async self => [metricWith(name, self, weight)] }, () => true
      ).metrics('a')
      const metrics = new Map(
        [[name, new Map([['a', drained as Metric], ['b', metricWith(name, 'b', name === 'freespace' ? 1n : -100_000n)]])]]
      )

      assert.deepEqual(
        balancedAllocator({ allocateBy: [name] }).order({ candidates: new Set(['a', 'b']), priority: new Set(), metrics }), ['b', 'a'], name
      )
    }
  })
})
