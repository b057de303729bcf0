import { hash } from 'node:crypto'

/** Numbers of 16 bits, two in each word: of a vector, and how many words of it are kept for parts of the pinset. */
export const vectorWords = 126
/** Parts need no proof, only a difference that shows: 256 bits. */
export const cellWords = 8

/** `vectorWords` words, each two numbers that are added modulo 2^16. */
export type Vector = Uint32Array<ArrayBuffer>

/** As text, one character each: a quarter less time than a buffer of their own for so few bytes. */
const format = { outputLength: 4 * vectorWords, outputEncoding: 'binary' } as const
const latest: Vector = new Uint32Array(vectorWords)
const latestBytes = Buffer.from(latest.buffer)
/** Where key and value are joined: hashing at once takes a sixth less than piece by piece. Grows with the longest pair. */
let pair = Buffer.alloc(4096)
const isBigEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0

/** What a pair of the pinset adds to the digest (docs/design/pinset-digest.md). Keys have no zero byte. */
export const pairVector = (key: string, value: Uint8Array): Vector => passingPairVector(key, value).slice()

/** The same, valid until the next call. */
export function passingPairVector (key: string, value: Uint8Array): Vector {
  const length = key.length + 1 + value.length
  if (length > pair.length) pair = Buffer.alloc(2 * length)
  pair.write(key, 0, 'latin1')
  pair[key.length] = 0
  pair.set(value, key.length + 1)
  latestBytes.write(hash('shake128', pair.subarray(0, length), format), 'latin1')
  if (isBigEndian) latestBytes.swap16()
  return latest
}

/** Vectors as bytes, little-endian, and back; what is handed in belongs to the vector. */
export function vectorBytes (vector: Vector): Uint8Array {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
  return isBigEndian ? Buffer.from(bytes).swap16() : bytes
}

/** The vector of a row's bytes; a view when they are aligned. */
export function vectorOf (bytes: Uint8Array): Vector {
  const isAligned = bytes.byteOffset % 4 === 0 && bytes.buffer instanceof ArrayBuffer
  const own = isAligned && !isBigEndian ? bytes as Uint8Array<ArrayBuffer> : new Uint8Array(bytes)
  if (isBigEndian) Buffer.from(own.buffer, own.byteOffset, own.length).swap16()
  return new Uint32Array(own.buffer, own.byteOffset, own.length / 4)
}

const low = 0x7fff7fff
const high = 0x80008000

/** Adds the first numbers of `vector` to those of `sum` from the word `from` on: two at a time, without a carry from one to the other. */
export function add (sum: Vector, vector: Vector, from = 0): void {
  for (let at = from; at < sum.length; at++) {
    const x = sum[at] as number
    const y = vector[at - from] as number
    sum[at] = ((x & low) + (y & low)) ^ ((x ^ y) & high)
  }
}

/** Takes a vector out of a sum, in place. `from`: where the vector begins in it. */
export function subtract (sum: Vector, vector: Vector, from = 0): void {
  for (let at = from; at < sum.length; at++) {
    const x = sum[at] as number
    const y = vector[at - from] as number
    sum[at] = ((x | high) - (y & low)) ^ ((x ^ ~y) & high)
  }
}

/** The 32 bytes that stand for a sum, as hexadecimal text. */
export const sumText = (sum: Vector): string => hash('sha256', vectorBytes(sum), 'hex')

/** Twelve bytes of a vector or sum as text: enough to find what differs. */
export const shortDigest = (vector: Vector): string => Buffer.from(vectorBytes(vector).subarray(0, 12)).toString('base64')
