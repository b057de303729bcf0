import type { Clock } from '../../base/clock.ts'
import type { PinTracker } from '../../tracker/tracker.ts'
import type { Informer } from '../informer.ts'
import { metricOf } from '../measurement.ts'

export interface PinqueueInformerInit {
  metricTtlMs: number
  /** Queue lengths that count as equal; 0: none do. */
  weightBucketSize: number
}

/** How many pins wait here; shorter queues weigh more. */
export function pinqueueInformer (
  init: PinqueueInformerInit, { tracker, clock }: { tracker: Pick<PinTracker, 'queueLength'>, clock: Clock }
): Informer {
  const { metricTtlMs: ttlMs, weightBucketSize } = init
  const weightOf = (queued: number): bigint => -BigInt(weightBucketSize > 0 ? Math.floor(queued / weightBucketSize) : queued)
  return {
    name: 'pinqueue',
    ttlMs,
    metrics: async self => {
      const queued = tracker.queueLength()
      return [metricOf({ name: 'pinqueue', value: String(queued), weight: weightOf(queued) }, { self, now: clock.now(), ttlMs })]
    }
  }
}
