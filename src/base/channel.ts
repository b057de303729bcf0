/**
 * Items on their way from one writer to one reader. `push` waits while more than `window` are under way, by the weights that it was given;
 * what the reader holds counts until it asks for more. However one side ends, the other isn't left waiting.
 */
export class Channel<T> implements AsyncIterable<T> {
  readonly #window: number
  readonly #queue: Array<{ item: T, weight: number }> = []
  #underWay = 0
  #ended = false
  #failure: { err: unknown } | undefined
  #readerFailure: { err: unknown } | undefined
  #wakeReader = (): void => {}
  #wakeWriter = (): void => {}

  /** `window`: in the unit of the weights. */
  constructor (window: number) { this.#window = window }

  /**
   * Resolves when there is room for more; undefined when there is. Items for a reader that has gone are dropped; what it failed with is
   * thrown here.
   */
  push (item: T, weight: number): Promise<void> | undefined {
    this.#throwIfFailed()
    if (this.#ended) return undefined
    this.#queue.push({ item, weight })
    this.#underWay += weight
    this.#wakeReader()
    return this.#underWay <= this.#window ? undefined : this.#room()
  }

  /** No more comes. With an error the reader gets that next, and nothing of what waits. */
  end (failure?: { err: unknown }): void {
    this.#failure ??= failure
    if (failure != null) this.#queue.length = 0
    this.#ended = true
    this.#wakeReader()
  }

  /** The reader is gone (it may never have come), with an error or without: nobody waits any more. */
  close (failure?: { err: unknown }): void {
    this.#readerFailure ??= failure
    this.#ended = true
    this.#queue.length = 0
    this.#underWay = 0
    this.#wakeWriter()
  }

  /** For one reader. Leaving the loop closes the channel. */
  async * [Symbol.asyncIterator] (): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const next = this.#queue.shift()
        if (next != null) {
          yield next.item
          this.#underWay -= next.weight
          if (this.#underWay <= this.#window) this.#wakeWriter()
        } else if (this.#failure != null) {
          throw this.#failure.err
        } else if (this.#ended) {
          return
        } else {
          await new Promise<void>(resolve => { this.#wakeReader = resolve })
        }
      }
    } finally {
      this.close()
    }
  }

  async #room (): Promise<void> {
    await new Promise<void>(resolve => { this.#wakeWriter = resolve })
    this.#throwIfFailed()
  }

  #throwIfFailed (): void { if (this.#readerFailure != null) throw this.#readerFailure.err }
}
