/**
 * The cell of a pin's key: how it begins, with as many characters as make a few hundred cells of each common kind of CID. Keys of one cell
 * lie side by side. The number of cells is bounded: 512 for CIDv0 (12 20), 256 for each codec of one byte with sha2-256 (01 cc 12 20), at
 * most 128 for all others.
 */
export function cellOf (key: string): string {
  if (key.startsWith('/CIQ')) return key.slice(0, 6)
  return isCommon(key) ? key.slice(0, 9) : key.slice(0, 4)
}

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
