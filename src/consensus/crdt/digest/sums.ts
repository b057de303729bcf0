/**
 * A sum of pairs is five words: how many they are, and the four words of their hashes added up, each modulo 2^32. Sums may stand one after
 * the other in a longer array.
 */
export type Words = Int32Array<ArrayBuffer>

/** How many words a sum has. */
export const sumWords = 5

const isBigEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0

/** Adds a pair's hash to the sum that begins at the word `at`, or takes it out. */
export function addPair (sums: Words, { at, by, hash }: { at: number, by: 1 | -1, hash: Int32Array }): void {
  sums[at] = sums[at] as number + by
  for (let word = 0; word < sumWords - 1; word++) {
    sums[at + 1 + word] = sums[at + 1 + word] as number + by * (hash[word] as number)
  }
}

/** Adds a sum to another one. */
export function addSum (sum: Words, other: Words): void {
  for (let word = 0; word < sumWords; word++) sum[word] = sum[word] as number + (other[word] as number)
}

/** How many pairs a sum has. */
export const pinsIn = (sum: Words): number => (sum[0] as number) >>> 0

/** No pair is left. A sum that isn't zero without any then says that something was wrong before: it stays. */
export function isZero (words: Words): boolean {
  for (const word of words) if (word !== 0) return false
  return true
}

/** Words as bytes, little-endian, and back; what is handed in belongs to the outcome. */
export function wordBytes (words: Words): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  return isBigEndian ? swapped(bytes) : bytes
}

/** The words of a row's bytes; a view when they are aligned. */
export function wordsOf (bytes: Uint8Array): Words {
  const isAligned = bytes.byteOffset % 4 === 0 && bytes.buffer instanceof ArrayBuffer
  const own = isBigEndian ? swapped(bytes) : isAligned ? bytes as Uint8Array<ArrayBuffer> : new Uint8Array(bytes)
  return new Int32Array(own.buffer, own.byteOffset, own.length / 4)
}

function swapped (bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes)
  Buffer.from(copy.buffer).swap32()
  return copy
}
