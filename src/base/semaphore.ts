/** Lets so many pieces of work run at a time; the others wait in order. */
export class Semaphore {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor (count: number) { this.#free = count }

  /** How many wait for a slot. */
  get waiting (): number { return this.#waiting.size }

  /** Runs the work when a slot is free. Rejects with the signal's reason while it waits; the work itself must heed the signal. */
  async run<T> (work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#free > 0) this.#free--
    else await this.#enter(signal)
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  async #enter (signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const go = (): void => {
        signal?.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = (): void => {
        this.#waiting.delete(go)
        reject(signal?.reason)
      }
      this.#waiting.add(go)
      signal?.addEventListener('abort', giveUp, { once: true })
    })
  }

  /** Gives the slot to who waits longest. */
  #leave (): void {
    const [next] = this.#waiting
    if (next == null) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
