import { CID } from 'multiformats/cid'
import type { Block } from '../../../blockstore/blockstore.ts'
import { ClusterError, messageOf } from '../../../base/errors.ts'
import { cborLinks } from './cbor-links.ts'
import { dagPbLinks } from './dag-pb-links.ts'

const codec = { dagPb: 0x70, dagCbor: 0x71, dagJson: 0x0129 } as const

const readers = new Map<number, (bytes: Uint8Array) => CID[]>([
  [codec.dagPb, dagPbLinks],
  [codec.dagCbor, cborLinks],
  [codec.dagJson, dagJsonLinks]
])

/** True when blocks of this codec have no links that we know of: raw, json, cbor, and every codec that isn't dag-pb, dag-cbor or dag-json. */
export const isLeaf = (cid: CID): boolean => !readers.has(cid.code)

/**
 * The CIDs a block links to, in order, repetitions included. Unknown codecs have no links: a pin of such a block keeps the block alone.
 * Throws INVALID_DATA when the bytes aren't what the codec says.
 */
export function linksOf ({ cid, bytes }: Block): CID[] {
  const read = readers.get(cid.code)
  if (read == null) return []
  try {
    return read(bytes)
  } catch (err) {
    throw new ClusterError('INVALID_DATA', { cid: cid.toString() }, { message: `block ${cid.toString()} can't be decoded: ${messageOf(err)}`, cause: err })
  }
}

/** Links of DAG-JSON are objects with the one key "/" and a CID text as value; `{"/":{"bytes":…}}` are bytes. */
function dagJsonLinks (bytes: Uint8Array): CID[] {
  const links: CID[] = []
  // A stack of its own: deep nesting must not end the process' stack.
  const stack: unknown[] = [JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(bytes))]
  while (stack.length > 0) {
    const value = stack.pop()
    if (typeof value !== 'object' || value == null) continue
    const children = Object.values(value)
    const slash = children.length === 1 && !Array.isArray(value) ? Object.entries(value)[0] : undefined
    if (slash?.[0] === '/' && typeof slash[1] === 'string') links.push(CID.parse(slash[1]))
    else for (let n = children.length - 1; n >= 0; n--) stack.push(children[n])
  }
  return links
}
