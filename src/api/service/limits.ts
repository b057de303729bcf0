import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { ClusterError } from '../../base/errors.ts'

/** So many in a time; null: any number. */
export type Limit = { count: number, perMs: number } | null

/** Counts what somebody does. */
export interface RateLimit {
  /** Counts one more of `key`. Rejects with RATE_LIMITED, `details.retryAfterMs`, when it is one too many. */
  take (key: string): Promise<void>
}

const unlimited: RateLimit = { take: async () => {} }

/** In this process: each peer of a service counts for itself. */
export function rateLimit (limit: Limit): RateLimit {
  if (limit == null) return unlimited
  const limiter = new RateLimiterMemory({ points: limit.count, duration: limit.perMs / 1000 })
  return {
    async take (key) {
      try {
        await limiter.consume(key)
      } catch (err) {
        if (!(err instanceof RateLimiterRes)) throw err
        throw new ClusterError('RATE_LIMITED', { retryAfterMs: err.msBeforeNext }, { message: `too many requests: try again in ${Math.ceil(err.msBeforeNext / 1000)} s` })
      }
    }
  }
}
