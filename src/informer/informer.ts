import type { PeerId } from '../model/cid.ts'
import type { Metric } from '../model/metric.ts'

/** Measures something of this peer. */
export interface Informer {
  readonly name: string
  /** How long its metrics are valid. They are published twice as often. Milliseconds. */
  readonly ttlMs: number
  /** Metrics as of now, without `receivedAt`. May be empty. A metric with `valid` false isn't published. */
  metrics (self: PeerId, options?: { signal?: AbortSignal }): Promise<Metric[]>
}
