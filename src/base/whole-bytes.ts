export interface WholeBytesInit {
  maxBytes: number
  /** What is thrown when more comes. */
  tooLong: () => Error
}

/** All that comes, in one piece, unless it is too much: then no more is read. */
export async function wholeBytes (pieces: AsyncIterable<Uint8Array>, { maxBytes, tooLong }: WholeBytesInit): Promise<Buffer> {
  const held: Uint8Array[] = []
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    if (bytes > maxBytes) throw tooLong()
    held.push(piece)
  }
  return Buffer.concat(held, bytes)
}
