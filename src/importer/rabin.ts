import type { Chunker } from './chunk-source.ts'

/** Sizes of chunks in bytes, for a chunker `rabin-MIN-AVG-MAX`. */
export interface RabinBounds { min: number, average: number, max: number }

/** The polynomial over GF(2) that IPFS uses; its degree. */
const polynomial = 17437180132763653n
const degree = 53n
const windowBytes = 16

/**
 * Fingerprints are 53 bits: an upper and a lower half of 32. `mod` reduces the byte that a shift moves out at the top; `out` takes the byte
 * away that leaves the window, already shifted by the byte that comes in.
 */
interface Tables { modHigh: Int32Array, modLow: Int32Array, outHigh: Int32Array, outLow: Int32Array }

let shared: Tables | undefined

/**
 * Kubo's content-defined chunks: a chunk ends where the Rabin fingerprint of its last 16 bytes has floor(log2 average) zero bits at the
 * end. `min` is at least 16.
 */
export function rabinChunker ({ min, average, max }: RabinBounds): Chunker {
  const tables = shared ??= createTables()
  const mask = 2 ** Math.floor(Math.log2(average)) - 1
  return {
    maxBytes: max,
    cut: (bytes, start, end) => end - start <= min ? end - start : findCut(bytes, start + min, end, mask, tables) - start
  }
}

/** The first offset from `from` on, at most `end`, where the 16 bytes before it have a fitting fingerprint. */
function findCut (bytes: Uint8Array, from: number, end: number, mask: number, { modHigh, modLow, outHigh, outLow }: Tables): number {
  let high = 0
  let low = 0
  let at = from - windowBytes
  for (; at < from; at++) {
    const top = high >>> 13
    high = ((high << 8) | (low >>> 24)) ^ modHigh[top]!
    low = ((low << 8) | bytes[at]!) ^ modLow[top]!
  }
  for (; at < end; at++) {
    if ((low & mask) === 0) return at
    const top = high >>> 13
    const gone = bytes[at - windowBytes]!
    high = ((high << 8) | (low >>> 24)) ^ modHigh[top]! ^ outHigh[gone]!
    low = ((low << 8) | bytes[at]!) ^ modLow[top]! ^ outLow[gone]!
  }
  return end
}

function createTables (): Tables {
  const tables = { modHigh: new Int32Array(256), modLow: new Int32Array(256), outHigh: new Int32Array(256), outLow: new Int32Array(256) }
  for (let byte = 0; byte < 256; byte++) {
    const shifted = BigInt(byte) << degree
    const mod = reduce(shifted) | shifted
    tables.modHigh[byte] = Number(BigInt.asIntN(32, mod >> 32n))
    tables.modLow[byte] = Number(BigInt.asIntN(32, mod))
    const out = reduce(BigInt(byte) << BigInt(8 * windowBytes))
    tables.outHigh[byte] = Number(BigInt.asIntN(32, out >> 32n))
    tables.outLow[byte] = Number(BigInt.asIntN(32, out))
  }
  return tables
}

/** The remainder of a polynomial over GF(2). */
function reduce (value: bigint): bigint {
  let rest = value
  for (let bit = 8n * BigInt(windowBytes + 1); bit >= degree; bit--) {
    if (((rest >> bit) & 1n) === 1n) rest ^= polynomial << (bit - degree)
  }
  return rest
}
