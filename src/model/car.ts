import { encode } from '@ipld/dag-cbor'
import type { CID } from './cid.ts'

/** The head of a CARv1 with one root. */
export function carHeader (root: CID): Uint8Array {
  const header = encode({ roots: [root], version: 1 })
  return Buffer.concat([varint(header.length), header])
}

/** What stands before a block's bytes in a CAR. */
export const carSectionHead = ({ cid, bytes }: { cid: CID, bytes: Uint8Array }): Uint8Array => Buffer.concat([varint(cid.bytes.length + bytes.length), cid.bytes])

function varint (value: number): Uint8Array {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Uint8Array.from([...bytes, left])
    bytes.push((left % 128) + 128)
  }
}
