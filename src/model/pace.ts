const longestPauseMs = 60_000

/** 0: as fast as it goes. */
export interface Rates { maxPinsPerSecond: number, maxBytesPerSecond: number }

/**
 * Says when the next pin, or move of one, may begin. Bytes count when they have come: what has begun goes on, and the next one waits until
 * it is paid for. `now` is of the process (a clock's `elapsed`), in milliseconds.
 */
export class Pace<Limits extends Rates = Rates> {
  limits: Limits
  #pinAt: number = 0
  #bytesAt: number = 0

  constructor (limits: Limits) { this.limits = limits }

  /** 0: now. Milliseconds, a minute at most: it is asked again. */
  waitMs (now: number): number { return Math.min(longestPauseMs, this.leftMs(now)) }

  /** In how long the next may begin, if no more bytes come. Milliseconds. */
  leftMs (now: number): number {
    return Math.max(0, this.#pinAt - now, this.#bytesAt - now)
  }

  /** In how long all bytes that came are paid for. Milliseconds. */
  debtMs (now: number): number {
    return Math.max(0, this.#bytesAt - now)
  }

  began (now: number): void {
    const { maxPinsPerSecond: rate } = this.limits
    if (rate > 0) this.#pinAt = Math.max(now, this.#pinAt) + 1000 / rate
  }

  arrived (bytes: number, now: number): void {
    const { maxBytesPerSecond: rate } = this.limits
    if (rate > 0) this.#bytesAt = Math.max(now, this.#bytesAt) + 1000 * bytes / rate
  }
}
