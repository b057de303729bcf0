/** The next bucket begins this much later. */
const step = 1.02
const firstMs = 0.01

/**
 * How long calls took. Buckets of 2 % instead of each value: a run of days takes no more memory than one of seconds. A quantile is the
 * upper end of its bucket, and never more than the longest.
 */
export class Latencies {
  readonly #counts = new Map<number, number>()
  #count = 0
  #longestMs = 0

  get count (): number { return this.#count }

  /** Milliseconds; 0 of nothing. */
  get longestMs (): number { return this.#longestMs }

  record (ms: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(ms / firstMs) / Math.log(step)))
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1)
    this.#count++
    this.#longestMs = Math.max(this.#longestMs, ms)
  }

  add (other: Latencies): void {
    for (const [bucket, count] of other.#counts) this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count)
    this.#count += other.#count
    this.#longestMs = Math.max(this.#longestMs, other.#longestMs)
  }

  /** The time that a share (0 to 1) of the calls took at most, in milliseconds; 0 of nothing. */
  quantileMs (share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.#count))
    let seen = 0
    for (const [bucket, count] of [...this.#counts].toSorted(([a], [b]) => a - b)) {
      seen += count
      if (seen >= wanted) return Math.min(this.#longestMs, firstMs * step ** bucket)
    }
    return 0
  }
}
