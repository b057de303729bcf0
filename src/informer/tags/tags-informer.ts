import type { Clock } from '../../base/clock.ts'
import type { Informer } from '../informer.ts'
import { metricOf } from '../measurement.ts'

export interface TagsInformerInit { metricTtlMs: number, tags: Readonly<Record<string, string>> }

/** What the configuration says of this peer (group, region, …): one metric `tag:<name>` for each tag. */
export function tagsInformer ({ metricTtlMs, tags }: TagsInformerInit, { clock }: { clock: Clock }): Informer {
  return {
    name: 'tags',
    ttlMs: metricTtlMs,
    metrics: async self => Object.entries(tags).map(([name, value]) =>
      metricOf({ name: `tag:${name}`, value, partitionable: true }, { self, now: clock.now(), ttlMs: metricTtlMs }))
  }
}
