import * as dagCbor from '@ipld/dag-cbor'
import * as dagPb from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'
import type { Block } from '../../src/blockstore/blockstore.ts'
import { blockOf } from './blocks.ts'

export const dagPbCodec = 0x70
export const dagCborCodec = 0x71
export const dagJsonCodec = 0x0129

/** A dag-pb block with these links, told apart by its data. */
export const nodeOf = (links: readonly CID[], data: string): Block =>
  blockOf(dagPb.encode({ Links: links.map(cid => ({ Hash: cid, Name: '', Tsize: 1 })), Data: Buffer.from(data) }), dagPbCodec)

/** A dag-cbor block around these links. */
export const cborOf = (links: readonly CID[], data: string): Block => blockOf(dagCbor.encode({ data, links: [...links] }), dagCborCodec)

export const textBlock = (text: string): Block => blockOf(Buffer.from(text))
