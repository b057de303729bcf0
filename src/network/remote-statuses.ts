import type { PeerId } from '../model/cid.ts'
import type { TrackerStatus } from '../model/status.ts'

/** What became of a pin on the peer that tells. `cid` is its text; `agoMs`: how long before the telling, so that clocks needn't agree. */
export interface StatusChange { cid: string, status: TrackerStatus, error: string, attempts: number, agoMs: number }

/** Some changes in their order. `missed`: there were others before them, which are gone. `place`: where one is then, for `after`. */
export interface StatusNews { changes: readonly StatusChange[], missed: boolean, place: string }

/**
 * Where to begin: behind a place of that peer's (unknown there: with all that it has), else with what happened in the last so many
 * milliseconds, a whole number.
 */
export interface StatusesFrom { after?: string | undefined, sinceMs: number }

/** Hears of other peers how pins go on them, by a protocol of our own: Go peers can't say. */
export interface RemoteStatuses {
  /**
   * The first news come at once, empty or not, then more as there are any. Throws UNSUPPORTED when the peer doesn't speak the protocol,
   * PEER_UNREACHABLE when it can't be reached or the stream ends in a reset, NOT_AUTHORIZED when it doesn't trust us, RATE_LIMITED when too
   * many ask, TIMEOUT when nothing was heard for too long, INVALID_DATA for news that are none, or the signal's reason. Ends when the peer
   * ends it, and when this peer asks it anew.
   */
  follow (peer: PeerId, from: StatusesFrom, options: { signal: AbortSignal }): AsyncIterable<StatusNews>
}

/** The same of this peer, as it is given to others. RATE_LIMITED when too many ask. */
export interface OwnStatuses {
  /** As of `RemoteStatuses`, without the network. */
  follow (from: StatusesFrom, options: { signal: AbortSignal }): AsyncIterable<StatusNews>
}
