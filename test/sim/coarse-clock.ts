import type { Clock } from '../../src/base/clock.ts'
import { sleepBy } from '../support/sim-clock.ts'

const tickMs = 20

/**
 * Simulated time in ticks of 20 ms: what falls due in the same one is called in one go, and then everything runs that can. A `SimClock`
 * lets everything run after each timer, which with many timers is most of the work.
 */
export class CoarseClock implements Clock {
  readonly #from = Date.UTC(2030, 0, 1)
  readonly #due = new Map<number, Set<() => void>>()
  #tick = 0

  now (): number { return this.#from + this.elapsed() }
  elapsed (): number { return this.#tick * tickMs }

  after (ms: number, callback: () => void): () => void {
    const tick = this.#tick + Math.max(1, Math.ceil(ms / tickMs))
    const due = this.#due.get(tick) ?? new Set()
    const fire = (): void => callback()
    this.#due.set(tick, due.add(fire))
    return () => { due.delete(fire) }
  }

  sleep (ms: number, signal?: AbortSignal): Promise<void> { return sleepBy(this, ms, signal) }

  /** Passes at least so many milliseconds. */
  async advance (ms: number): Promise<void> {
    const end = this.#tick + Math.ceil(ms / tickMs)
    await settled()
    while (this.#tick < end) {
      const due = this.#due.get(++this.#tick)
      if (due == null) continue
      this.#due.delete(this.#tick)
      for (const fire of due) fire()
      await settled()
    }
  }
}

/** Resolves when everything has run that needs no time. */
const settled = async (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })
