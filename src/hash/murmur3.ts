/**
 * murmur3 x64-64 with seed 0, the first half of murmur3 x64-128: the hash of UnixFS's sharded directories and the multihash 0x22. 64-bit
 * numbers are pairs of 32-bit halves, because BigInt is ten times slower.
 */

// The upper and lower half that the last 64-bit operation gave.
let high = 0
let low = 0

function multiply (aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  const a0 = aLow & 0xffff
  const a1 = aLow >>> 16
  const b0 = bLow & 0xffff
  const b1 = bLow >>> 16
  const low0 = a0 * b0
  const middle1 = a1 * b0 + (low0 >>> 16)
  const middle2 = a0 * b1 + (middle1 & 0xffff)
  const carry = a1 * b1 + Math.floor(middle1 / 0x10000) + Math.floor(middle2 / 0x10000)
  low = Math.imul(aLow, bLow)
  high = (carry | 0) + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh) | 0
}

function add (aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  const sum = (aLow >>> 0) + (bLow >>> 0)
  low = sum | 0
  high = aHigh + bHigh + (sum > 0xffffffff ? 1 : 0) | 0
}

function rotate (aHigh: number, aLow: number, bits: number): void {
  const [h, l] = bits < 32 ? [aHigh, aLow] : [aLow, aHigh]
  const n = bits & 31
  high = n === 0 ? h : (h << n) | (l >>> (32 - n))
  low = n === 0 ? l : (l << n) | (h >>> (32 - n))
}

const c1High = 0x87c37b91 | 0
const c1Low = 0x114253d5
const c2High = 0x4cf5ad43
const c2Low = 0x2745937f

/** (high, low) → the part of k1 that is xor-ed into h1. */
function mixK1 (): void {
  multiply(high, low, c1High, c1Low)
  rotate(high, low, 31)
  multiply(high, low, c2High, c2Low)
}

function mixK2 (): void {
  multiply(high, low, c2High, c2Low)
  rotate(high, low, 33)
  multiply(high, low, c1High, c1Low)
}

function finalMix (): void {
  low ^= high >>> 1
  multiply(high, low, 0xff51afd7 | 0, 0xed558ccd | 0)
  low ^= high >>> 1
  multiply(high, low, 0xc4ceb9fe | 0, 0x1a85ec53)
  low ^= high >>> 1
}

/** Loads up to eight little-endian bytes; missing ones are zero. */
function load (bytes: Uint8Array, at: number): void {
  low = (bytes[at] ?? 0) | (bytes[at + 1] ?? 0) << 8 | (bytes[at + 2] ?? 0) << 16 | (bytes[at + 3] ?? 0) << 24
  high = (bytes[at + 4] ?? 0) | (bytes[at + 5] ?? 0) << 8 | (bytes[at + 6] ?? 0) << 16 | (bytes[at + 7] ?? 0) << 24
}

/** The eight bytes of the hash, most significant first. */
export function murmur3 (bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let h1High = 0
  let h1Low = 0
  let h2High = 0
  let h2Low = 0
  let at = 0
  for (; at + 16 <= bytes.length; at += 16) {
    load(bytes, at)
    mixK1()
    rotate(h1High ^ high, h1Low ^ low, 27)
    add(high, low, h2High, h2Low)
    multiply(high, low, 0, 5)
    add(high, low, 0, 0x52dce729)
    h1High = high
    h1Low = low
    load(bytes, at + 8)
    mixK2()
    rotate(h2High ^ high, h2Low ^ low, 31)
    add(high, low, h1High, h1Low)
    multiply(high, low, 0, 5)
    add(high, low, 0, 0x38495ab5)
    h2High = high
    h2Low = low
  }
  if (bytes.length - at > 8) {
    load(bytes, at + 8)
    mixK2()
    h2High ^= high
    h2Low ^= low
  }
  if (bytes.length > at) {
    load(bytes, at)
    mixK1()
    h1High ^= high
    h1Low ^= low
  }
  h1Low ^= bytes.length
  h2Low ^= bytes.length
  add(h1High, h1Low, h2High, h2Low)
  h1High = high
  h1Low = low
  add(h2High, h2Low, h1High, h1Low)
  finalMix()
  h2High = high
  h2Low = low
  high = h1High
  low = h1Low
  finalMix()
  add(high, low, h2High, h2Low)
  return Uint8Array.of(high >>> 24, high >>> 16, high >>> 8, high, low >>> 24, low >>> 16, low >>> 8, low)
}
