/** Lines that come from the side while a stream is read. */
export class LineQueue<T> {
  #lines: T[] = []
  #arrival = Promise.withResolvers<void>()

  push (line: T): void {
    this.#lines.push(line)
    this.#arrival.resolve()
  }

  /** What has come until now. */
  * drain (): Generator<T> {
    while (this.#lines.length > 0) {
      const lines = this.#lines
      this.#lines = []
      this.#arrival = Promise.withResolvers()
      yield * lines
    }
  }

  /** The stream's items, and the lines as soon as they come; a line goes before items that came after it. */
  async * mixedInto<U> (items: AsyncIterable<U>): AsyncGenerator<T | U> {
    const iterator = items[Symbol.asyncIterator]()
    let ended = false
    try {
      for (let next = iterator.next(); !ended;) {
        // each race hangs something on what it waits for: on one promise for a whole shard that would be something per item
        if (this.#lines.length === 0) this.#arrival = Promise.withResolvers()
        const result = await Promise.race([next, this.#arrival.promise])
        yield * this.drain()
        if (result == null) continue
        if (result.done === true) {
          ended = true
        } else {
          yield result.value
          next = iterator.next()
        }
      }
    } catch (err) {
      ended = true
      throw err
    } finally {
      if (!ended) await iterator.return?.()
    }
  }
}
