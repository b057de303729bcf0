import type { Clock } from '../../base/clock.ts'
import { claimOf } from '../../consensus/pinset-digest.ts'
import type { PinsetDigests } from '../../consensus/pinset-digest.ts'
import { formatPinsetClaim, pinsetMetric } from '../../model/pinset-metric.ts'
import type { Informer } from '../informer.ts'
import { metricOf } from '../measurement.ts'

export interface PinsetInformerInit { metricTtlMs: number }
export interface PinsetInformerDeps { digests: Pick<PinsetDigests, 'point'>, clock: Clock }

/** Tells the others what this peer's pinset is. Nothing while it is being counted. */
export function pinsetInformer ({ metricTtlMs }: PinsetInformerInit, { digests, clock }: PinsetInformerDeps): Informer {
  return {
    name: pinsetMetric,
    ttlMs: metricTtlMs,
    metrics: async self => {
      const point = digests.point()
      if (point == null) return []
      return [metricOf({ name: pinsetMetric, value: formatPinsetClaim(claimOf(point)) }, { self, now: clock.now(), ttlMs: metricTtlMs })]
    }
  }
}
