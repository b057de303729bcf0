/**
 * The cell of a pin's key: how it begins, with as many characters as make a few hundred cells of each common kind of CID. Keys of one cell
 * lie side by side. The number of cells is bounded: 512 for CIDv0 (12 20), 256 for each codec of one byte with sha2-256 (01 cc 12 20), at
 * most 128 for all others.
 */
export const cellOf = (key: string): string => key.slice(0, cellLength(key))

/** Cells whose names differ in the last character only share a row: the sums of 32 cells, one after the other. */
export const cellsPerRow = 32
/** What the row of a key's cell is called: as its cells, without the last character. */
export const rowNameOf = (key: string): string => key.slice(0, cellLength(key) - 1)
/** Which of the row's cells a key belongs to. */
export const placeInRow = (key: string, row: string): number => digitOf(key, row.length) & (cellsPerRow - 1)
/** What the cell at a place of a row is called. */
export const nameInRow = (row: string, place: number): string => row + ('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[place] ?? '')

const cellLength = (key: string): number => key.startsWith('/CIQ') ? 6 : isCommon(key) ? 9 : 4

const digitOf = (key: string, at: number): number => {
  const code = key.charCodeAt(at)
  return code >= 65 ? code - 65 : code - 24
}

/** CIDv1, a codec below 128, sha2-256 of 32 bytes: 01 cc 12 20. The first 32 bits are six characters and two bits. */
function isCommon (key: string): boolean {
  if (key.length < 9) return false
  const high = (digitOf(key, 1) << 15) | (digitOf(key, 2) << 10) | (digitOf(key, 3) << 5) | digitOf(key, 4)
  const low = (digitOf(key, 5) << 7) | (digitOf(key, 6) << 2) | (digitOf(key, 7) >> 3)
  // 20 bits: 01, cc, and the first half of 12; 12 bits: the rest
  return high >> 12 === 1 && (high & 0x800) === 0 && (high & 0xf) === 1 && low === 0x220
}
