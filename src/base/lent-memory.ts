interface Lent { leftBytes: number, again: (memory: Buffer) => void }

const lent = new WeakMap<ArrayBufferLike, Lent>()

/**
 * Lends memory of its own that is handed on piece by piece. When every byte of it has been given back, `again` is called: it may be used
 * for something else. Memory of which somebody keeps a piece, or forgets to give one back, is collected like any other.
 */
export function lend (memory: Buffer, again: (memory: Buffer) => void): void {
  lent.set(memory.buffer, { leftBytes: memory.length, again })
}

/** Says that nobody reads this piece any more: each byte of lent memory once. Any other memory is let be. */
export function giveBack ({ buffer, length }: Uint8Array): void {
  const one = lent.get(buffer)
  if (one == null) return
  one.leftBytes -= length
  if (one.leftBytes > 0) return
  lent.delete(buffer)
  one.again(Buffer.from(buffer as ArrayBuffer))
}
