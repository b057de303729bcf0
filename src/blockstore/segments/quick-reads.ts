export interface QuickReadsInit {
  /** What takes longer didn't come out of the disk's cache. Milliseconds. */
  slowMs: number
}

export interface QuickReadsDeps {
  /** Milliseconds, from anywhere on, with fractions. */
  time: () => number
  /**
   * Whether this thread has others to serve meanwhile: one alone is better served by two threads, of which one reads while the other sends.
   */
  hasOthers: () => boolean
}

/** A read of the disk's cache takes less, unless the machine is busy with other things. */
export const usualQuickReads: QuickReadsInit = { slowMs: 5 }
/** What waiting for a slow disk may take of a thread's time. */
const waitingShare = 1 / 20

/**
 * Whether to read at once or by way of the pool. What is in the disk's cache is read at a lower price by the thread that wants it; but what
 * isn't would hold up everybody else whom it serves. So a read that took long is followed by a time of reads in the pool, twenty times as
 * long as the wait was.
 */
export class QuickReads {
  readonly #slowMs: number
  readonly #time: () => number
  readonly #hasOthers: () => boolean
  #slowUntil = -Infinity

  constructor ({ slowMs }: QuickReadsInit, { time, hasOthers }: QuickReadsDeps) {
    this.#slowMs = slowMs
    this.#time = time
    this.#hasOthers = hasOthers
  }

  /** Does the one or the other. */
  run<T> (atOnce: () => T, inPool: () => Promise<T>): T | Promise<T> {
    const from = this.#time()
    if (from < this.#slowUntil || !this.#hasOthers()) return inPool()
    const result = atOnce()
    const took = this.#time() - from
    if (took > this.#slowMs) this.#slowUntil = from + took / waitingShare
    return result
  }
}
