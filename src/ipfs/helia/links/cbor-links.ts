import type { CID } from 'multiformats/cid'
import type { LinkLimit, LinkPosition } from './link-position.ts'
import { readCid } from './read-cid.ts'

const major = { negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, other: 7 } as const
const cidTag = 42

/**
 * The next links of a DAG-CBOR block: byte strings under tag 42, a zero byte before the CID. Only heads are read, no values are made; the
 * position moves on. Throws when the bytes aren't one CBOR item, or of a kind that DAG-CBOR doesn't have (indefinite lengths, other tags).
 */
export function cborLinks (bytes: Uint8Array, position: LinkPosition, limit: LinkLimit): CID[] {
  const links: CID[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  // `left` are items still to come: nesting needs no stack.
  let { at, left } = position
  for (let steps = 0; left > 0 && links.length < limit.links && steps < limit.steps; steps++, left--) {
    const head = headAt(view, at)
    at = head.end
    if (head.major === major.array) left += head.value
    else if (head.major === major.map) left += 2 * head.value
    else if (head.major === major.bytes || head.major === major.text) at += head.value
    else if (head.major === major.tag) {
      const link = linkAt(bytes, view, head)
      links.push(link.cid)
      at = link.end
    }
    if (at > bytes.length || left > bytes.length) throw new Error('the CBOR is cut off')
  }
  if (left === 0 && at !== bytes.length) throw new Error('there are bytes behind the CBOR')
  position.at = at
  position.left = left
  return links
}

interface Head { major: number, value: number, end: number }

function headAt (view: DataView, at: number): Head {
  const first = view.getUint8(at)
  const info = first & 31
  const kind = first >> 5
  if (info < 24) return { major: kind, value: info, end: at + 1 }
  if (info === 24) return { major: kind, value: view.getUint8(at + 1), end: at + 2 }
  if (info === 25) return { major: kind, value: view.getUint16(at + 1), end: at + 3 }
  if (info === 26) return { major: kind, value: view.getUint32(at + 1), end: at + 5 }
  if (info === 27) return { major: kind, value: Number(view.getBigUint64(at + 1)), end: at + 9 }
  throw new Error('DAG-CBOR has no indefinite lengths')
}

function linkAt (bytes: Uint8Array, view: DataView, tag: Head): { cid: CID, end: number } {
  if (tag.value !== cidTag) throw new Error(`DAG-CBOR has no tag ${tag.value}`)
  const content = headAt(view, tag.end)
  const end = content.end + content.value
  if (content.major !== major.bytes || end > bytes.length || bytes[content.end] !== 0) throw new Error('a link is not a CID')
  return { cid: readCid(bytes.subarray(content.end + 1, end)), end }
}
