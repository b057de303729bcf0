/** Lets so many pieces of work run at a time; the others wait in order. */
export class Slots {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor (count: number) { this.#free = count }

  /** Whether somebody waits for a slot. */
  get isWaited (): boolean { return this.#waiting.size > 0 }

  /** Runs the work when a slot is free. Rejects with the signal's reason while it waits; the work itself must heed the signal. */
  async run<T> (work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#free > 0) this.#free--
    else await this.#turn(signal)
    try {
      return await work()
    } finally {
      this.#pass()
    }
  }

  async #turn (signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        this.#waiting.delete(go)
        reject(signal.reason)
      }
      this.#waiting.add(go)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** Gives the slot to who waits longest. */
  #pass (): void {
    const [next] = this.#waiting
    if (next == null) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
