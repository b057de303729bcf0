import type { Sql } from '../sql/sql.ts'

export interface ReserveOptions {
  /** How long the reservation lives without being extended. Default one hour. Milliseconds. */
  ttlMs?: number
}

/**
 * Who stores how much. A user's use is the sum of what is *held* (each CID once, however many files and pins of the user hold it) and of
 * what is *reserved* for bytes that are still coming. Every method is part of the caller's transaction, so parallel uploads can't pass the
 * quota.
 *
 * Active things hold their CID: staged, importing, pinning, pinned files; queued, pinning, pinned pins. Unpinned and failed ones have
 * dropped it.
 */
export interface Quota {
  /**
   * Before bytes are taken. Gives the reservation's id. Throws QUOTA_EXCEEDED, NOT_FOUND for an unknown user. A reservation of nothing is
   * fine: it can be extended.
   */
  reserve (tx: Sql, user: string, bytes: number, purpose: string, options?: ReserveOptions): Promise<string>
  /** `bytes` more (0: only the time is renewed). Throws QUOTA_EXCEEDED (the reservation stays as it was), NOT_FOUND when it is gone. */
  extend (tx: Sql, reservation: string, bytes: number, options?: ReserveOptions): Promise<void>
  /** Gives the bytes back. A reservation that is gone doesn't matter. */
  release (tx: Sql, reservation: string): Promise<void>
  /**
   * One more thing of this user holds the CID. The first one adds its bytes (null: not known yet, see `settle`). With a reservation, that
   * is released in the same step, and what it covers always fits. Throws QUOTA_EXCEEDED.
   */
  hold (tx: Sql, user: string, cid: string, bytes: number | null, options?: { reservation?: string }): Promise<void>
  /** The same for many CIDs, each once, in few queries. All or none of them. */
  holdMany (tx: Sql, user: string, things: ReadonlyArray<{ cid: string, bytes: number | null }>): Promise<void>
  /**
   * The size of a CID became known: whoever holds it without a size gets it. Gives the users that are over their quota by that; it is for
   * the caller to fail what they hold (and drop it).
   */
  settle (tx: Sql, cid: string, bytes: number): Promise<string[]>
  /** One thing less holds the CID; with the last one its bytes are given back. False when the user didn't hold it. */
  drop (tx: Sql, user: string, cid: string): Promise<boolean>
  /** Counts again what the user holds and has reserved, and corrects `used_bytes`. Gives by how much it was wrong (0: it was right). */
  recount (tx: Sql, user: string): Promise<number>
  /** Releases what has expired. Gives how many there were (1,000 at most in one call). */
  releaseExpired (tx: Sql): Promise<number>
}
