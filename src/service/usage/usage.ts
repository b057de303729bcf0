import type { Startable } from '../../base/lifecycle.ts'

/** One day of a user in UTC. `bytesStored` is what was stored at the day's end (today: now). */
export interface UsageDay { day: string, bytesStored: number, bytesServed: number, requests: number, views: number }

/**
 * What users use, by day. Counts are gathered in memory and written in groups, the first at once; a crash loses some of the last quarter of
 * a second.
 */
export interface Usage extends Startable {
  /** One more request of this user. */
  request (user: string): void
  /** So many bytes were sent for this user. */
  served (user: string, bytes: number): void
  /** One more view of this user's CID, now: counts for the day, and for `view_count` and `last_accessed_at` of the file. */
  viewed (user: string, cid: string): void
  /** Resolves when everything that was counted so far can be read. */
  flush (): Promise<void>
  /** Resolves when this user's views so far can be read: at once for the most part. */
  flushViews (user: string): Promise<void>
  /** The last `count` days, oldest first, today last; days without anything are there. */
  days (user: string, count: number): Promise<UsageDay[]>
}
