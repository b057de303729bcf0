const wantedMs = 800
const leastBytes = 256 * 1024
const largeBytes = 16 * 1024 * 1024
/** What is counted for the speed: this much of the past. */
const windowMs = 4000

/**
 * How large requests are, so that each takes about a second: a slow line shows progress and loses little, a fast one isn't slowed down by
 * requests.
 */
export class Pace {
  #bytes = 512 * 1024
  #sentAt: number | undefined

  /** Of the next request, which begins now. */
  next (now: number): number {
    this.#sentAt = now
    return this.#bytes
  }

  /** It has been answered. */
  done (bytes: number, now: number): void {
    if (this.#sentAt == null) return
    const tookMs = Math.max(1, now - this.#sentAt)
    const fitting = bytes * wantedMs / tookMs
    // not more than double: one quick answer says little
    this.#bytes = Math.round(Math.min(largeBytes, Math.max(leastBytes, Math.min(2 * this.#bytes, fitting))))
  }
}

/** Bytes per second over the last seconds. */
export class Speed {
  readonly #points: Array<{ at: number, bytes: number }> = []

  /** So many bytes in all by now. */
  note (bytes: number, at: number): void {
    this.#points.push({ at, bytes })
    while (this.#points.length > 2 && at - (this.#points[1]?.at ?? at) > windowMs) this.#points.shift()
  }

  /** Null while nobody can say. */
  perSecond (now: number): number | null {
    const first = this.#points[0]
    const last = this.#points.at(-1)
    if (first == null || last == null || last.at - first.at < 250) return null
    // what stalls gets slower
    const untilMs = now - last.at > 1500 ? now : last.at
    return Math.max(0, (last.bytes - first.bytes) * 1000 / (untilMs - first.at))
  }

  reset (): void { this.#points.length = 0 }
}
