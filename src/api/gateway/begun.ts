/**
 * The same source, with its first pieces already read: up to so many bytes, or to its end. What goes wrong until then is an error of this call, so that
 * an answer with a status can tell it.
 */
export async function begun<Piece> (source: AsyncIterable<Piece>, bytes: number, sizeOf: (piece: Piece) => number): Promise<AsyncIterable<Piece>> {
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
  return (async function * () {
    try {
      while (first.length > 0) yield first.shift() as Piece
      while (!isOver) {
        const { done, value } = await iterator.next()
        if (done === true) isOver = true
        else yield value
      }
    } finally {
      await iterator.return?.()
    }
  })()
}
