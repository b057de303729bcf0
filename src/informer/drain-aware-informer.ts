import type { Metric } from '../model/metric.ts'
import type { Informer } from './informer.ts'

/**
 * An informer of a peer that may be drained: meanwhile its weights are those of a peer that has no room, so that every allocator, Go's too,
 * chooses it last. It stays a candidate: a peer without a metric would not count as a holder of what it has. What is measured is told as it
 * is.
 */
export function drainAwareInformer (informer: Informer, isDraining: () => boolean): Informer {
  return {
    name: informer.name,
    ttlMs: informer.ttlMs,
    metrics: async (self, options) => {
      const metrics = await informer.metrics(self, options)
      return isDraining() ? metrics.map(withoutRoom) : metrics
    }
  }
}

/** Sums of weights must stay far from Go's int64. */
const heaviest = -(2n ** 50n)
/** Less is better for these, so that zero would be the best of all. */
const lessIsBetter: ReadonlySet<string> = new Set(['reposize', 'pinqueue', 'numpin'])

const withoutRoom = (metric: Metric): Metric => lessIsBetter.has(metric.name) ? { ...metric, weight: heaviest } : { ...metric, weight: 0n }
