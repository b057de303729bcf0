import { hash } from 'node:crypto'
import * as dagPb from '@ipld/dag-pb'
import { create as multihash } from 'multiformats/hashes/digest'
import { isClusterError } from '../base/errors.ts'
import { CID, base32Key, fromBase32Key } from '../model/cid.ts'
import { sha256Hash } from '../model/multicodec.ts'
import { decodeDelta, deltaPriority, encodeDelta } from './delta.ts'
import type { Delta } from './delta.ts'
import { invalidBytes } from './protobuf.ts'

/** A node of the CRDT's DAG. `links`: the heads that its writer knew, in byte order. */
export interface CrdtBlock { cid: CID, bytes: Uint8Array, links: CID[], delta: Delta }

/** Bitswap carries 2 MiB; anything above this can't have come from a well-behaved peer. */
export const maxCrdtBlockBytes = 4 * 1024 * 1024

const blockKeyLength = 56

/** The dag-pb block of a delta over these heads, byte-equal to Go's (go-ds-crdt). */
export function encodeCrdtBlock (delta: Delta, heads: readonly CID[]): CrdtBlock {
  const links = heads.toSorted((a, b) => Buffer.compare(a.bytes, b.bytes))
  const bytes = dagPb.encode({ Data: encodeDelta(delta), Links: links.map(link => ({ Hash: link, Name: '', Tsize: 0 })) })
  return { cid: crdtCid(bytes), bytes, links, delta }
}

/** Undefined for bytes that have been checked and are no CRDT block all the same: nothing better can be had. */
export function readableCrdtBlock (cid: CID, bytes: Uint8Array): CrdtBlock | undefined {
  try {
    return decodeCrdtBlock(cid, bytes)
  } catch (err) {
    if (isClusterError(err, 'INVALID_DATA')) return undefined
    throw err
  }
}

/** Reads a block whose bytes have been checked against `cid`. Throws INVALID_DATA. */
export function decodeCrdtBlock (cid: CID, bytes: Uint8Array): CrdtBlock {
  if (bytes.length > maxCrdtBlockBytes) invalidBytes('a CRDT block is too large')
  const node = decodeNode(bytes)
  const links = node.Links.map(link => crdtLink(link.Hash))
  return { cid, bytes, links, delta: decodeDelta(node.Data ?? new Uint8Array(0)) }
}

/** Only where a block stands in the DAG; its changes aren't read. Throws INVALID_DATA. */
export function crdtBlockPlace (bytes: Uint8Array): { links: CID[], priority: number } {
  if (bytes.length > maxCrdtBlockBytes) invalidBytes('a CRDT block is too large')
  const node = decodeNode(bytes)
  return { links: node.Links.map(link => crdtLink(link.Hash)), priority: deltaPriority(node.Data ?? new Uint8Array(0)) }
}

function decodeNode (bytes: Uint8Array): dagPb.PBNode {
  try { return dagPb.decode(bytes) } catch (err) { return invalidBytes('a CRDT block is not dag-pb', err) }
}

function crdtLink (cid: CID): CID {
  return isCrdtCid(cid) ? cid : invalidBytes('a link of a CRDT block is not dag-pb with sha2-256')
}

/** True for the only kind of CID that CRDT blocks have. */
export const isCrdtCid = (cid: CID): boolean =>
  cid.version === 1 && cid.code === dagPb.code && cid.multihash.code === sha256Hash && cid.multihash.digest.length === 32

/** The CID of a CRDT block's bytes: version 1, dag-pb, sha2-256. */
export function crdtCid (bytes: Uint8Array): CID {
  return CID.createV1(dagPb.code, multihash(sha256Hash, hash('sha256', bytes, 'buffer')))
}

/** The block's key, which is the id of its elements: slash and base32 of the multihash. */
export const blockKey = (cid: CID): string => `/${base32Key(cid.multihash.bytes)}`

/** The CID of a block key. Throws INVALID_DATA. */
export function cidOfBlockKey (key: string): CID {
  if (!isBlockKey(key)) invalidBytes('a block key is malformed')
  const bytes = fromBase32Key(key, 1) ?? invalidBytes('a block key is malformed')
  return CID.createV1(dagPb.code, multihash(sha256Hash, bytes.slice(2)))
}

/** True for text that can be the key of a CRDT block. */
export const isBlockKey = (key: string): boolean => key.length === blockKeyLength && /^\/CIQ[A-Z2-7]+$/.test(key)
