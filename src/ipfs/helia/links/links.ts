import type { CID } from 'multiformats/cid'
import type { Block } from '../../../blockstore/blockstore.ts'
import { ClusterError, messageOf } from '../../../base/errors.ts'
import { lengthDelimited } from '../../../base/varint.ts'
import { parseCid } from '../../../model/cid.ts'
import { jsonLinkTexts } from '../../../model/dag-json.ts'
import { dagCborCodec, dagJsonCodec, dagPbCodec } from '../../../model/multicodec.ts'
import { cborLinks } from './cbor-links.ts'
import { dagPbLinks } from './dag-pb-links.ts'
import type { LinkLimit, LinkPosition } from './link-position.ts'

interface LinkReader {
  read: (bytes: Uint8Array, position: LinkPosition, limit: LinkLimit, names?: string[]) => CID[]
  /** What is read in place of the block, for codecs that can only be read as a whole. */
  prepare?: (bytes: Uint8Array) => Uint8Array
}

const readers = new Map<number, LinkReader>([
  [dagPbCodec, { read: dagPbLinks }],
  [dagCborCodec, { read: cborLinks }],
  [dagJsonCodec, { read: dagPbLinks, prepare: packed }]
])

const noLimit: LinkLimit = { links: Infinity, steps: Infinity }

/**
 * True when blocks of this codec have no links that we know of: raw, json, cbor, and every codec that isn't dag-pb, dag-cbor or dag-json.
 */
export const isLeaf = (cid: CID): boolean => !readers.has(cid.code)

/**
 * The CIDs a block links to, in order, repetitions included. Unknown codecs have no links: a pin of such a block keeps the block alone.
 * Throws INVALID_DATA when the bytes aren't what the codec says.
 */
export function linksOf ({ cid, bytes }: Block): CID[] {
  if (isLeaf(cid)) return []
  return readLinks({ cid, bytes: readable({ cid, bytes }) }, linksBegin(), noLimit)
}

/** Before the first link of a block. */
export const linksBegin = (): LinkPosition => ({ at: 0, left: 1 })

/** What `readLinks` reads: the block's own bytes where links can be read piece by piece, else a list of its links. Throws INVALID_DATA. */
export function readable ({ cid, bytes }: Block): Uint8Array {
  const prepare = readers.get(cid.code)?.prepare
  return prepare == null ? bytes : told(cid, () => prepare(bytes))
}

/**
 * The links from the position on, which moves; `left` is 0 when there are no more. There may be none before the end, when the limit of
 * steps is met first.
 * Names come along (in `names`) from dag-pb only. Throws INVALID_DATA when the bytes up to where it reads aren't what the codec says.
 */
export function readLinks ({ cid, bytes }: Block, position: LinkPosition, limit: LinkLimit, names?: string[]): CID[] {
  const reader = readers.get(cid.code)
  if (reader != null) return told(cid, () => reader.read(bytes, position, limit, names))
  position.left = 0
  return []
}

function told<T> (cid: CID, read: () => T): T {
  try {
    return read()
  } catch (err) {
    throw new ClusterError(
      'INVALID_DATA', { cid: cid.toString() }, { message: `block ${cid.toString()} can't be decoded: ${messageOf(err)}`, cause: err }
    )
  }
}

/** JSON has to be parsed as a whole: its links as a dag-pb block. */
function packed (bytes: Uint8Array): Uint8Array {
  return Buffer.concat(Array.from(jsonLinks(bytes), cid => lengthDelimited(0x12, lengthDelimited(0x0a, cid.bytes))))
}

/** The links of a DAG-JSON block in order. Throws when it isn't JSON, or a link is no CID. */
export function * jsonLinks (bytes: Uint8Array): Generator<CID> {
  for (const text of jsonLinkTexts(bytes)) yield parseCid(text)
}
