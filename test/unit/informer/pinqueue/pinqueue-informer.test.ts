import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pinqueueInformer } from '../../../../src/informer/pinqueue/pinqueue-informer.ts'
import { SimClock } from '../../../support/sim-clock.ts'

async function measured (queued: number, weightBucketSize: number): Promise<unknown[]> {
  const informer = pinqueueInformer(
    { metricTtlMs: 30_000, weightBucketSize }, { tracker: { queueLength: () => queued }, clock: new SimClock() }
  )
  const [metric] = await informer.metrics('self')
  return [metric?.name, metric?.value, metric?.weight, metric?.partitionable, metric?.valid]
}

describe('pinqueue informer', () => {
  for (const [queued, bucket, weight] of [[0, 10, 0n], [9, 10, 0n], [10, 10, -1n], [1005, 10, -100n], [42, 0, -42n], [0, 0, 0n]] as const) {
    it(`weighs ${queued} waiting pins in buckets of ${bucket} as ${weight}`, async () => {
      assert.deepEqual(await measured(queued, bucket), ['pinqueue', String(queued), weight, false, true])
    })
  }
})
