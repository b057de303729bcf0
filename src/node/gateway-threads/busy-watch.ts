import type { Clock } from '../../base/clock.ts'

export interface BusyWatchInit {
  /** How long is looked. Milliseconds. */
  windowMs: number
  /** From this share of its time on a thread is busy. 0 to 1. */
  share: number
}

export interface BusyWatchDeps {
  /** Begins to measure; what it gives tells the share of the time since then in which this thread had something to do. */
  utilization: () => () => number
  /** Called once. */
  busy: () => void
  clock: Clock
}

/** Looks whether the thread is busy while requests come. Without requests it costs nothing. */
export class BusyWatch {
  readonly #init: BusyWatchInit
  readonly #deps: BusyWatchDeps
  #isLooking = false
  #isOver = false

  constructor (init: BusyWatchInit, deps: BusyWatchDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** A request has come. */
  saw (): void {
    if (this.#isLooking || this.#isOver) return
    this.#isLooking = true
    const { utilization, clock, busy } = this.#deps
    const since = utilization()
    clock.after(this.#init.windowMs, () => {
      this.#isLooking = false
      if (this.#isOver || since() < this.#init.share) return
      this.#isOver = true
      busy()
    })
  }

  stop (): void { this.#isOver = true }
}
