import type { CID } from 'multiformats/cid'
import { create as createDigest, decode as decodeDigest } from 'multiformats/hashes/digest'
import { CID as Cid } from 'multiformats/cid'
import { latin1 } from '../../base/text/latin1.ts'
import type { BlockPlace } from '../../blockstore/blockstore.ts'
import type { NameOptions } from '../names.ts'

/*
 * What a thread that serves content asks of the one that has the IPFS node. CIDs go as text: a view of a block's bytes would take the whole
 * block along.
 */

/** Undefined fields are left out. */
export interface GetBlockCall { cid: string, root: string | undefined, local: boolean, untilNobody: boolean }
/** The arguments of `prefetch`, as they can go to another thread: CIDs as texts. */
export interface PrefetchCall { cid: string, root: string | undefined }
/** The arguments of a look-up of a name, as they can go to another thread: without the signal. */
export interface NameCall { name: string, options: Omit<NameOptions, 'signal'> }
/** Paths and CIDs that must not be served when they are denied. */
export interface RefuseCall { path?: string, cids?: readonly string[] }

/** Codec and multihash. Short to make, and the same for CIDs of both versions. */
export const blockKeyOf = ({ code, multihash: { bytes } }: CID): string => `${code}/${latin1(bytes)}`

/** The CID (version 1) of a key that crossed between threads: codec and hash. */
export function cidOf (key: string): CID {
  const at = key.indexOf('/')
  const digest = decodeDigest(Buffer.from(key.slice(at + 1), 'latin1'))
  return Cid.createV1(Number(key.slice(0, at)), createDigest(digest.code, digest.digest))
}

const fields = 3

/** Places in the order of their keys; undefined where there is none. */
export function packPlaces (places: ReadonlyArray<BlockPlace | undefined>): Float64Array {
  const packed = new Float64Array(places.length * fields)
  for (const [at, place] of places.entries()) {
    packed[at * fields] = place?.segment ?? -1
    packed[at * fields + 1] = place?.offset ?? 0
    packed[at * fields + 2] = place?.length ?? 0
  }
  return packed
}

/** The place at this position of a packed answer; undefined when the block isn't there. */
export function placeAt (packed: Float64Array, at: number): BlockPlace | undefined {
  const [segment = -1, offset = 0, length = 0] = packed.subarray(at * fields, (at + 1) * fields)
  return segment < 0 ? undefined : { segment, offset, length }
}
