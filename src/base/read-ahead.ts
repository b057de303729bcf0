export interface ReadAheadInit<T> {
  /** What may wait here until it is taken; the item that exceeds it is the last one that is read. */
  maxBytes: number
  sizeOf: (item: T) => number
}

/**
 * Reads on while the last batch is being worked on, and gives everything that has come by then as one batch. A failure of the source is
 * thrown once what came before it has been given. Leaving the loop ends the source.
 */
export async function * readAhead<T> (items: AsyncIterable<T>, { maxBytes, sizeOf }: ReadAheadInit<T>): AsyncGenerator<T[]> {
  let waiting: T[] = []
  let bytes = 0
  let end: { err?: unknown } | undefined
  let isLeft = false
  let changed = Promise.withResolvers<void>()
  const tell = (): void => {
    changed.resolve()
    changed = Promise.withResolvers<void>()
  }
  const reading = (async () => {
    for await (const item of items) {
      waiting.push(item)
      bytes += sizeOf(item)
      tell()
      while (bytes >= maxBytes && !isLeft) await changed.promise
      if (isLeft) return
    }
  })().then(() => { end = {} }, err => { end = { err } }).finally(tell)
  try {
    for (;;) {
      while (waiting.length === 0 && end == null) await changed.promise
      if (waiting.length > 0) {
        const batch = waiting
        waiting = []
        bytes = 0
        tell()
        yield batch
      } else {
        if (end != null && 'err' in end) throw end.err
        await reading
        return
      }
    }
  } finally {
    isLeft = true
    tell()
  }
}

/** The same items, of which the next one is asked for before the last one is given: it comes while that is worked on. */
export async function * oneAhead<T> (items: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]()
  let next = iterator.next()
  try {
    for (;;) {
      const { done, value } = await next
      if (done === true) return
      next = iterator.next()
      next.catch(() => {}) // thrown when it is asked for, or never
      yield value
    }
  } finally {
    await iterator.return?.()
  }
}
