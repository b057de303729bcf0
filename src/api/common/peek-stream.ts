/**
 * The same source, with its first pieces already read: up to so many bytes, or to its end. What goes wrong until then is an error of this
 * call, so that an answer with a status can tell it. To be read once, or closed by its iterator's `return`.
 */
export async function peekStream<Piece> (
  source: AsyncIterable<Piece>, bytes: number, sizeOf: (piece: Piece) => number
): Promise<AsyncIterable<Piece>> {
  const iterator = source[Symbol.asyncIterator]()
  const first: Piece[] = []
  let isOver = false
  for (let size = 0; size < bytes && !isOver;) {
    const { done, value } = await iterator.next()
    if (done === true) isOver = true
    else {
      first.push(value)
      size += sizeOf(value)
    }
  }
  return prepended(first, isOver ? undefined : iterator)
}

/**
 * What was read, then what comes behind it. By hand: closing a generator that nobody has asked for anything yet closes nothing behind it.
 */
export function prepended<Piece> (first: Piece[], behind: AsyncIterator<Piece> | undefined): AsyncIterable<Piece> {
  const iterator: AsyncIterator<Piece> = {
    next: async () => {
      if (first.length > 0) return { done: false, value: first.shift() as Piece }
      return await behind?.next() ?? { done: true, value: undefined }
    },
    return: async () => {
      first.length = 0
      await behind?.return?.()
      return { done: true, value: undefined }
    }
  }
  return { [Symbol.asyncIterator]: () => iterator }
}
