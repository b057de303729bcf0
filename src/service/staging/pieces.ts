/** The kernel takes no more pieces in one write. */
const mostPieces = 512

/** What a source threw, or the signal's reason: no fault of the storage. It goes to the caller as it is. */
export class SourceFailure extends Error {
  override readonly cause: unknown

  constructor (cause: unknown) {
    super('the source failed')
    this.cause = cause
  }
}

/**
 * Pieces gathered into groups of at least `groupBytes` (but for the last one). When the source throws, what it gave before comes first,
 * then SourceFailure. The signal is looked at before each piece.
 */
export async function * inGroups (
  source: AsyncIterable<Uint8Array>, groupBytes: number, signal?: AbortSignal
): AsyncGenerator<Uint8Array[], void, undefined> {
  let group: Uint8Array[] = []
  let bytes = 0
  let failure: { err: unknown } | undefined
  const pieces = source[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await nextOf(pieces, signal)
      if ('err' in next) failure = next
      if (!('value' in next)) break
      if (next.value.length === 0) continue
      group.push(next.value)
      bytes += next.value.length
      if (bytes < groupBytes && group.length < mostPieces) continue
      yield group
      group = []
      bytes = 0
    }
    if (group.length > 0) yield group
    if (failure != null) throw new SourceFailure(failure.err)
  } finally {
    await pieces.return?.()
  }
}

async function nextOf (
  pieces: AsyncIterator<Uint8Array>, signal: AbortSignal | undefined
): Promise<{ value: Uint8Array } | { err: unknown } | { done: true }> {
  try {
    signal?.throwIfAborted()
    const { done, value } = await pieces.next()
    return done === true ? { done } : { value }
  } catch (err) {
    return { err }
  }
}

/** Bytes of all pieces together. */
export const lengthOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, { length }) => sum + length, 0)
