import type { CID } from 'multiformats/cid'
import { identityHash } from '../model/multicodec.ts'

/** The bytes of a block that is its own address (a copy, since CIDs are shared); undefined for all others. */
export function identityBytes (cid: CID): Uint8Array | undefined {
  return cid.multihash.code === identityHash ? new Uint8Array(cid.multihash.digest) : undefined
}

/** Whether the CID has the block in it, so that nobody stores it. */
export const isIdentity = (cid: CID): boolean => cid.multihash.code === identityHash
