import type { ReadAhead } from '../../dag-reader.ts'
import { quietly } from '../../dag-reader.ts'

/** Parts that are asked for ahead of the one that is being read, and their bytes together, one at least. */
export const readAhead = 8
const readAheadBytes = 2 * 2 ** 20

/** A part that is still to be read, and how many bytes of memory it takes. */
export interface Piece<T> { sizeBytes: number, read: () => Promise<T> }

interface StartedPiece<T> { value: Promise<T>, sizeBytes: number, taken: number, isHere: boolean }

export interface InOrderOptions<T> {
  ahead: ReadAhead
  /** Called with each value before it is given. `waited`: it was not here yet when its turn came. */
  came: (value: T, waited: boolean) => void
}

/** Reads pieces in their order, some of them ahead where there is room. */
export async function * readInOrder<T> (pieces: AsyncIterable<Piece<T>>, { ahead, came }: InOrderOptions<T>): AsyncGenerator<T> {
  const started: Array<StartedPiece<T>> = []
  let bytes = 0
  const next = async (): Promise<T> => {
    const piece = started.shift() as StartedPiece<T>
    bytes -= piece.sizeBytes
    ahead.give(piece.taken)
    const waited = !piece.isHere
    const value = await piece.value
    came(value, waited)
    return value
  }
  try {
    for await (const { sizeBytes, read } of pieces) {
      while (started.length > 0 && (started.length >= readAhead || bytes + sizeBytes > readAheadBytes)) yield await next()
      const mayWait = ahead.tryTake(sizeBytes)
      started.push(startedPiece(read(), { sizeBytes, taken: mayWait ? sizeBytes : 0 }))
      bytes += sizeBytes
      // without room everything that was started goes out before more is read
      while (!mayWait && started.length > 0) yield await next()
    }
    while (started.length > 0) yield await next()
  } finally {
    for (const { taken } of started) ahead.give(taken)
  }
}

function startedPiece<T> (reading: Promise<T>, sizes: Pick<StartedPiece<T>, 'sizeBytes' | 'taken'>): StartedPiece<T> {
  const piece: StartedPiece<T> = { value: quietly(reading), ...sizes, isHere: false }
  reading.then(() => { piece.isHere = true }, () => {})
  return piece
}
