import { encode } from '@ipld/dag-cbor'
import { varintBytes } from '../base/varint.ts'
import type { CID } from './cid.ts'

/** What a CARv1 with one root begins with: the length as a varint, and the header in dag-cbor. */
export function carHeader (root: CID): Uint8Array {
  const header = encode({ roots: [root], version: 1 })
  return Buffer.concat([varintBytes(header.length), header])
}

/** What stands before a block's bytes in a CAR. */
export const carSectionHead = ({ cid, bytes }: { cid: CID, bytes: Uint8Array }): Uint8Array =>
  Buffer.concat([varintBytes(cid.bytes.length + bytes.length), cid.bytes])
