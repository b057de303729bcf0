import { hash } from 'node:crypto'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import type { Block } from '../../src/blockstore/blockstore.ts'

export const rawCodec = 0x55

/** A block with the right CID. Default codec: raw. */
export function blockOf (bytes: Uint8Array, codec = rawCodec): Block {
  return { cid: CID.createV1(codec, Digest.create(0x12, hash('sha256', bytes, 'buffer'))), bytes }
}

/** A raw block of `sizeBytes` that depends only on the number. */
export function numberedBlock (number: number, sizeBytes = 64): Block {
  const bytes = Buffer.alloc(Math.max(8, sizeBytes), number & 255)
  bytes.writeDoubleLE(number)
  return blockOf(bytes)
}

export const numberedBlocks = (count: number, sizeBytes = 64, from = 0): Block[] =>
  Array.from({ length: count }, (_, n) => numberedBlock(from + n, sizeBytes))

/** A CID that is its own block. */
export const identityCid = (text: string, codec = rawCodec): CID => CID.createV1(codec, Digest.create(0, Buffer.from(text)))

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
