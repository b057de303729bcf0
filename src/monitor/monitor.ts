import type { Startable } from '../base/lifecycle.ts'
import type { PeerId } from '../model/cid.ts'
import type { Alert, Metric } from '../model/metric.ts'

/**
 * Collects what peers say of themselves. Keeps the last 25 metrics per name and peer; only the latest counts.
 * A metric from the network counts only when its peer signed the message.
 */
export interface Monitor extends Startable {
  /** Takes a metric of this peer, or a synthetic one of a peer that was just reached, without sending it. */
  log (metric: Metric): void
  /** Takes and sends it. Invalid or expired metrics are neither. */
  publish (metric: Metric): Promise<void>
  /** The latest valid metric of each peer for a name, sorted by peer. */
  latest (name: string): Metric[]
  /** The latest metric of one peer; undefined when it has expired. */
  latestOf (name: string, peer: PeerId): Metric | undefined
  /** The latest metric of a peer even when it has expired: what is still known of a peer that went silent. */
  lastKnownOf (name: string, peer: PeerId): Metric | undefined
  /** The latest metric of each peer for a name, expired ones included, sorted by peer. */
  lastKnown (name: string): Metric[]
  /** Names of which there ever was a metric. */
  names (): string[]
  /**
   * Called once when a (peer, name) expires; again only after a valid metric, or after 300 checks. What expired while this process stood
   * still (a stopped process, a suspended machine, a clock that was moved) counts only when it stays away for as long as it holds.
   */
  onAlert (listener: (alert: Alert) => void): () => void
  /** Called for every metric that is taken, of this peer or another. The returned function ends it. */
  onMetric (listener: (metric: Metric) => void): () => void
  /** Forgets a peer's metrics. */
  forget (peer: PeerId): void
}
