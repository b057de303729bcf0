import type { Pin } from '../../model/pin.ts'

/** Others wait until some of these are through. */
const mostStuck = 10_000

interface Stuck { version: string, since: number, isSeen: boolean }

/**
 * Since when the pins of a peer that leaves can't move on, as they are now. One that changes, or that a whole pass doesn't ask for, begins
 * anew. By the time of the process: what the pin's own time says is somebody else's clock.
 */
export class StuckPins {
  readonly #stuck = new Map<string, Stuck>()

  /** The pin can't move on at `now`: for how long that has been so. Milliseconds. */
  forMs ({ cid, timestamp, allocations }: Pin, now: number): number {
    const key = cid.toString()
    const version = `${timestamp} ${allocations.join()}`
    const known = this.#stuck.get(key)
    if (known == null && this.#stuck.size >= mostStuck) return 0
    const since = known?.version === version ? known.since : now
    this.#stuck.set(key, { version, since, isSeen: true })
    return now - since
  }

  /** All pins of the peer have been looked at. */
  endPass (): void {
    for (const [key, stuck] of this.#stuck) {
      if (stuck.isSeen) stuck.isSeen = false
      else this.#stuck.delete(key)
    }
  }
}
