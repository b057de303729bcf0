import { ClusterError } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'

/** So many in a time; null: any number. */
export type Limit = { count: number, perMs: number } | null

/** Counts what somebody does. */
export interface RateLimit {
  /** Counts one more of `key`. Rejects with RATE_LIMITED, `details.retryAfterMs`, when it is one too many. */
  take (key: string): Promise<void>
}

/**
 * What keeps anybody from asking too much. A time begins with the first that is counted in it, for each name and key.
 *
 * - On peers that share it, a limit is one: it lets nobody through more often than it says, however the requests are spread. Who uses
 *   several peers at once may be stopped a little
 *   earlier, by 2 % of the limit for each peer more.
 * - It never fails: while what is shared is away, each peer counts for itself.
 */
export interface Limits extends Startable {
  /** `name` keeps the keys of one limit from those of another; one for each name. */
  limit (name: string, limit: Limit): RateLimit
}

/** Where the configuration says "". */
export const unlimited: RateLimit = { take: async () => {} }

/** RATE_LIMITED, with `details.retryAfterMs`: when to come back. */
export const tooMany = (retryAfterMs: number): ClusterError =>
  new ClusterError('RATE_LIMITED', { retryAfterMs }, { message: `too many requests: try again in ${Math.ceil(retryAfterMs / 1000)} s` })
