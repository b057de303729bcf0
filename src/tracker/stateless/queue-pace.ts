/** So many ends make a pace; of the latest only. */
const fewest = 8
const remembered = 256

/**
 * How fast pins come to their turn: as many as ended while others waited. Forgets when nobody waits: then no pace can be told. `now` is of
 * the process.
 */
export class QueuePace {
  #ends: number[] = []

  /** A pin ended, well or not. `isWaited`: others wait for their turn. */
  ended (now: number, isWaited: boolean): void {
    if (!isWaited) {
      this.#ends = []
      return
    }
    this.#ends.push(now)
    if (this.#ends.length > remembered) this.#ends.shift()
  }

  /** In how many milliseconds the turn of the pin at this place of the queue (1: the next) comes; undefined while it can't be said. */
  waitMs (place: number, now: number): number | undefined {
    const [first] = this.#ends
    if (first == null || this.#ends.length < fewest) return undefined
    // up to now, not to the last end: a queue that has come to a stop gets slower with every look
    return Math.round(place * (now - first) / (this.#ends.length - 1))
  }
}
