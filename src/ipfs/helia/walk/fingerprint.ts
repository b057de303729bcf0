import { hash } from 'node:crypto'

/** Multihash codes whose digests can be taken as they are: SHA-2, SHA-3, Keccak-256, BLAKE3, double SHA-256, BLAKE2b of 32 bytes. */
const strong = new Set([0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x1b, 0x1e, 0x56, 0xb220])

/** Four 32-bit words. */
export type Words = Uint32Array

/**
 * 128 bits that stand for a block (its multihash) and a `kind`, written into `into`: the beginning of the digest where the hash is strong,
 * a SHA-256 of the multihash otherwise. Never all zero. Two blocks with the same fingerprint are out of reach, by chance and by malice
 * (2^64 work).
 */
export function fingerprint (into: Words, multihash: Uint8Array, kind: number): void {
  const { code, digestAt } = headOf(multihash)
  const isStrong = strong.has(code) && multihash.length - digestAt >= 16
  const source = isStrong ? multihash : hash('sha256', multihash, 'buffer')
  const at = isStrong ? digestAt : 0
  for (let n = 0; n < 4; n++) into[n] = word(source, at + 4 * n)
  into[0] = into[0]! ^ Math.imul(kind, 0x9e3779b1)
  into[1] = into[1]! ^ Math.imul(code, 0x85ebca6b) ^ (kind / 2 ** 32)
  if ((into[0] | into[1] | into[2]! | into[3]!) === 0) into[3] = 1
}

const word = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0

/** Code, and where the digest begins: two varints (code, length) come before it. */
function headOf (multihash: Uint8Array): { code: number, digestAt: number } {
  let code = 0
  let at = 0
  for (let scale = 1; at < multihash.length; scale *= 128) {
    const byte = multihash[at++]!
    code += (byte & 127) * scale
    if (byte < 128) break
  }
  while (at < multihash.length && multihash[at]! >= 128) at++
  return { code, digestAt: at + 1 }
}
