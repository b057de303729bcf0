import type { Reader } from './bytes-in-flight.ts'
import { PieceGuess, usualPiece } from './piece-guess.ts'

/** `held`: room that was taken for the first piece. Bytes. */
export interface MeteredSourceOptions { signal: AbortSignal, held?: number }

/**
 * The same source, which waits for room before it reads on. Its consumer asks for the next piece when the client has taken the last one, as
 * `sendLines` does.
 */
export async function * meteredSource<Piece extends string | Uint8Array> (
  source: AsyncIterable<Piece>, reader: Reader, { signal, held = 0 }: MeteredSourceOptions
): AsyncGenerator<Piece> {
  const iterator = source[Symbol.asyncIterator]()
  const guess = new PieceGuess(held > 0 ? held : usualPiece)
  let isTaken = held > 0
  try {
    for (;;) {
      const expected = isTaken ? held : guess.bytes
      if (!isTaken) await reader.take(expected, signal)
      isTaken = false
      const { done, value } = await iterator.next()
      if (done === true) return
      if (value.length > expected) reader.tookMore(value.length - expected)
      yield value
      reader.moved()
      reader.give(Math.max(expected, value.length))
      guess.saw(value.length)
    }
  } finally {
    await iterator.return?.()
    reader.end()
  }
}
