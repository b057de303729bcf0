import { createHash } from 'node:crypto'
import type { MultihashHasher } from 'multiformats/hashes/interface'
import { from } from 'multiformats/hashes/hasher'
import { ClusterError } from '../../base/errors.ts'

/** Multihash codes whose digests Node computes natively: blocks fetched from the network are checked with these. */
const nodeHashes: Record<number, [name: string, algorithm: string]> = {
  0x11: ['sha1', 'sha1'],
  0x13: ['sha2-512', 'sha512'],
  0x14: ['sha3-512', 'sha3-512'],
  0x15: ['sha3-384', 'sha3-384'],
  0x16: ['sha3-256', 'sha3-256'],
  0x17: ['sha3-224', 'sha3-224'],
  0x20: ['sha2-384', 'sha384'],
  0x1013: ['sha2-224', 'sha224'],
  0x1014: ['sha2-512-224', 'sha512-224'],
  0x1015: ['sha2-512-256', 'sha512-256'],
  0xb240: ['blake2b-512', 'blake2b512'],
  0xb260: ['blake2s-256', 'blake2s256']
}

/** The hasher for a multihash code (sha2-256 and identity are built into Helia). Throws UNSUPPORTED. */
export async function loadHasher (code: number): Promise<MultihashHasher> {
  const known = nodeHashes[code]
  if (known != null) return from({ code, name: known[0], encode: input => new Uint8Array(createHash(known[1]).update(input).digest()) }) as MultihashHasher
  if (code === 0xb220) {
    const { blake2b } = await import('@noble/hashes/blake2.js')
    return from({ code, name: 'blake2b-256', encode: input => new Uint8Array(blake2b(input, { dkLen: 32 })) }) as MultihashHasher
  }
  throw new ClusterError('UNSUPPORTED', { code }, { message: `multihash code 0x${code.toString(16)} can't be checked here` })
}
