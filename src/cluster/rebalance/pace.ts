import type { Time } from '../../model/time.ts'
import type { PaceLimits } from '../cluster-api.ts'

const longestPauseMs = 60_000

/**
 * Says when the next move may begin. Bytes count when they have come: what has begun goes on, and the next one waits until it is paid for.
 */
export class Pace {
  limits: PaceLimits
  #pinAt: Time = 0
  #bytesAt: Time = 0
  #last: Time = 0

  constructor (limits: PaceLimits) { this.limits = limits }

  /** 0: now. Milliseconds. */
  waitMs (now: Time): number {
    this.#follow(now)
    return Math.max(0, Math.min(longestPauseMs, Math.max(this.#pinAt, this.#bytesAt) - now))
  }

  began (now: Time): void {
    this.#follow(now)
    const { maxPinsPerSecond: rate } = this.limits
    if (rate > 0) this.#pinAt = Math.max(now, this.#pinAt) + 1000 / rate
  }

  arrived (bytes: number, now: Time): void {
    this.#follow(now)
    const { maxBytesPerSecond: rate } = this.limits
    if (rate > 0) this.#bytesAt = Math.max(now, this.#bytesAt) + 1000 * bytes / rate
  }

  /** A clock that is set back makes nobody wait longer. */
  #follow (now: Time): void {
    const back = Math.max(0, this.#last - now)
    this.#pinAt -= back
    this.#bytesAt -= back
    this.#last = now
  }
}
