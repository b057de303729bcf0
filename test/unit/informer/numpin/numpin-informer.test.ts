import assert from 'node:assert/strict'
import { it } from 'node:test'
import { numpinInformer } from '../../../../src/informer/numpin/numpin-informer.ts'
import { SimClock } from '../../../support/sim-clock.ts'

it('numpin informer counts roots, without weight', async () => {
  const informer = numpinInformer({ metricTtlMs: 10_000 }, { ipfs: { pinCount: () => 7 }, clock: new SimClock() })

  const [metric] = await informer.metrics('self')

  assert.deepEqual([metric?.name, metric?.value, metric?.weight, metric?.partitionable], ['numpin', '7', 0n, false])
})
