/** A file's content after its first bytes have been read: all of it, or those bytes and what comes behind them. */
export type Opened =
  | { isLarge: false, pieces: readonly Uint8Array[] }
  | { isLarge: true, pieces: AsyncIterable<Uint8Array> }

/** A file's bytes while nobody knows yet how many there will be. */
export interface OpenContent {
  /** From here on a file is large. Bytes. */
  largeBytes: number
  /** Called for each piece as it comes. */
  onPiece: (piece: Uint8Array) => void
}

/** Reads until the end or until the file turns out to be large. Who takes the rest and stops early ends the content. */
export async function openContent (content: AsyncIterable<Uint8Array>, { largeBytes, onPiece }: OpenContent): Promise<Opened> {
  const rest = content[Symbol.asyncIterator]()
  const pieces: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const { done, value } = await rest.next()
    if (done === true) return { isLarge: false, pieces }
    try {
      onPiece(value)
    } catch (err) {
      await rest.return?.()
      throw err
    }
    pieces.push(value)
    bytes += value.length
    if (bytes >= largeBytes) return { isLarge: true, pieces: all(pieces, rest, onPiece) }
  }
}

async function * all (
  first: Uint8Array[], rest: AsyncIterator<Uint8Array>, onPiece: (piece: Uint8Array) => void
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let piece = first.shift(); piece != null; piece = first.shift()) yield piece
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      onPiece(next.value)
      yield next.value
    }
  } finally {
    await rest.return?.()
  }
}
