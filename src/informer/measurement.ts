import type { PeerId } from '../model/cid.ts'
import type { Metric } from '../model/metric.ts'
import { nanoseconds } from '../model/metric.ts'
import type { Time } from '../model/time.ts'

/** What an informer found out; the rest of a metric is the same for all. Default: valid, weight 0, not partitionable. */
export interface Measurement { name: string, value: string, weight?: bigint, valid?: boolean, partitionable?: boolean }

/** The metric of a measurement that was made at `now` and holds for `ttlMs`. */
export function metricOf (measurement: Measurement, { self, now, ttlMs }: { self: PeerId, now: Time, ttlMs: number }): Metric {
  const { name, value, weight = 0n, valid = true, partitionable = false } = measurement
  return { name, peer: self, value, expire: nanoseconds(now + ttlMs), valid, weight, partitionable, receivedAt: 0n }
}
