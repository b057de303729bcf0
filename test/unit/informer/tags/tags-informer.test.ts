import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tagsInformer } from '../../../../src/informer/tags/tags-informer.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const tagged = async (tags: Record<string, string>) =>
  await tagsInformer({ metricTtlMs: 30_000, tags }, { clock: new SimClock() }).metrics('self')

describe('tags informer', () => {
  it('has one partitionable metric without weight for each tag', async () => {
    const metrics = await tagged({ group: 'default', region: 'eu' })

    assert.deepEqual(metrics.map(({ name, value, weight, partitionable, valid }) => [name, value, weight, partitionable, valid]), [
      ['tag:group', 'default', 0n, true, true],
      ['tag:region', 'eu', 0n, true, true]
    ])
  })

  it('says nothing without tags', async () => {
    assert.deepEqual(await tagged({}), [])
  })
})
