import type { PeerId } from '../model/cid.ts'
import type { Metric } from '../model/metric.ts'

/** The latest valid metrics, by metric name and then by peer. */
export type MetricsByName = ReadonlyMap<string, ReadonlyMap<PeerId, Metric>>

/** Who may get an item, sorted out beforehand; the allocator only puts them in order. */
export interface AllocationInput {
  /** Peers that may be chosen, and those that should come first. A peer without all `allocateBy` metrics must not be in either. */
  candidates: ReadonlySet<PeerId>
  priority: ReadonlySet<PeerId>
  metrics: MetricsByName
}

/**
 * Orders peers by how well they suit a pin: all of `priority`, best first, then all of `candidates`. Pure: the same input gives the same
 * order.
 */
export interface Allocator {
  readonly allocateBy: readonly string[]
  order (input: AllocationInput): PeerId[]
}
