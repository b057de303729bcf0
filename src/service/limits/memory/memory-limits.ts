import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { tooMany, unlimited } from '../limits.ts'
import type { Limits } from '../limits.ts'

/** In this process: for a service that has one peer. */
export function memoryLimits (): Limits {
  return {
    name: 'limits',
    start: async () => {},
    stop: async () => {},
    limit (name, limit) {
      if (limit == null) return unlimited
      const limiter = new RateLimiterMemory({ keyPrefix: name, points: limit.count, duration: limit.perMs / 1000 })
      return {
        async take (key) {
          try {
            await limiter.consume(key)
          } catch (err) {
            throw err instanceof RateLimiterRes ? tooMany(err.msBeforeNext) : err
          }
        }
      }
    }
  }
}
