import type { Time } from './time.ts'

const longestPauseMs = 60_000

/** 0: as fast as it goes. */
export interface Rates { maxPinsPerSecond: number, maxBytesPerSecond: number }

/**
 * Says when the next pin, or move of one, may begin. Bytes count when they have come: what has begun goes on, and the next one waits until
 * it is paid for.
 */
export class Pace<Limits extends Rates = Rates> {
  limits: Limits
  #pinAt: Time = 0
  #bytesAt: Time = 0
  #last: Time = 0

  constructor (limits: Limits) { this.limits = limits }

  /** 0: now. Milliseconds, a minute at most: it is asked again. */
  waitMs (now: Time): number { return Math.min(longestPauseMs, this.leftMs(now)) }

  /** In how long the next may begin, if no more bytes come. Milliseconds. */
  leftMs (now: Time): number {
    this.#follow(now)
    return Math.max(0, this.#pinAt - now, this.#bytesAt - now)
  }

  /** In how long all bytes that came are paid for. Milliseconds. */
  debtMs (now: Time): number {
    this.#follow(now)
    return Math.max(0, this.#bytesAt - now)
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
