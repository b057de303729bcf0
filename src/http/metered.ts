import type { Reader } from './bytes-in-flight.ts'

const leastPiece = 16 * 1024
/** What a leaf of a file usually has. */
const usualPiece = 256 * 1024

/**
 * The same source, which waits for room before it reads on. Its consumer asks for the next piece when the client has taken the last one, as `sendLines`
 * does.
 */
export async function * metered<Piece extends string | Uint8Array> (source: AsyncIterable<Piece>, reader: Reader, signal: AbortSignal): AsyncGenerator<Piece> {
  const iterator = source[Symbol.asyncIterator]()
  let expected = usualPiece
  try {
    for (;;) {
      await reader.take(expected, signal)
      const { done, value } = await iterator.next()
      if (done === true) return
      if (value.length > expected) reader.tookMore(value.length - expected)
      yield value
      reader.moved()
      reader.give(Math.max(expected, value.length))
      expected = Math.max(leastPiece, value.length)
    }
  } finally {
    await iterator.return?.()
    reader.end()
  }
}
