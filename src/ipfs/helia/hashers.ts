import type { MultihashHasher } from 'multiformats/hashes/interface'
import { from } from 'multiformats/hashes/hasher'
import { hashFunction } from '../../hash/multihash.ts'

/**
 * The hasher with which Helia checks blocks of a multihash code (sha2-256 and identity are built into it). Throws INVALID_ARGUMENT for
 * unknown ones.
 */
export async function loadHasher (code: number): Promise<MultihashHasher> {
  const { digest } = await hashFunction(code)
  return from({ code, name: `multihash-${code.toString(16)}`, encode: input => Uint8Array.from(digest(input)) }) as MultihashHasher
}
