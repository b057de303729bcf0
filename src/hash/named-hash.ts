import { create } from 'multiformats/hashes/digest'
import type { MultihashDigest } from 'multiformats'
import { ClusterError } from '../base/errors.ts'
import { hashCode, hashFunction, isStorable } from './multihash.ts'

/** The multihash of bytes, by the function's name. Throws INVALID_ARGUMENT with Kubo's text for names it doesn't know. */
export async function namedHash (name: string, bytes: Uint8Array): Promise<MultihashDigest> {
  let code: number
  try {
    code = hashCode(name)
  } catch (err) {
    throw new ClusterError(
      'INVALID_ARGUMENT', { hash: name.slice(0, 100) }, { message: `unrecognized multihash function: ${name}`, cause: err }
    )
  }
  const { digest } = await hashFunction(code)
  const multihash = create(code, digest(bytes))
  if (!isStorable(code, multihash.size)) {
    throw new ClusterError('INVALID_ARGUMENT', { hash: name }, { message: `potentially insecure hash functions not allowed: ${name}` })
  }
  return multihash
}
