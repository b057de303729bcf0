/** Lets one piece of work run at a time, in the order of the calls. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs the work when all before it has ended. Resolves and rejects as the work does; what is behind it runs in either case. */
  run<Result> (work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }

  /** For work that doesn't end in one call: resolves in the caller's turn, with the function that lets the next one in. */
  async acquire (): Promise<() => void> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = before.then(() => promise)
    await before
    return resolve
  }

  /** Resolves when all work taken so far has ended. */
  async idle (): Promise<void> { await this.#last }
}

/** A mutex for each key. A key without work takes no memory. */
export class KeyedMutex<Key> {
  readonly #last = new Map<Key, Promise<unknown>>()

  /** As `Mutex.run`, beside the work of other keys. */
  run<Result> (key: Key, work: () => Promise<Result>): Promise<Result> {
    const result = (this.#last.get(key) ?? Promise.resolve()).then(work)
    const ended = result.catch(() => {}).then(() => { if (this.#last.get(key) === ended) this.#last.delete(key) })
    this.#last.set(key, ended)
    return result
  }
}
