import { encode as encodePb, prepare } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import type { Block } from '../../src/blockstore/blockstore.ts'
import { blockOf } from './blocks.ts'
import { dagPbCodec } from './dags.ts'

/** A raw block: a whole file, or one leaf of a large one. */
export async function rawBlock (text: string | Uint8Array): Promise<Block> {
  return blockOf(typeof text === 'string' ? new TextEncoder().encode(text) : text)
}

/** A UnixFS directory of these, by name. */
export async function directoryBlock (entries: Record<string, Block>): Promise<Block> {
  const links = Object.entries(entries).map(([name, { cid, bytes }]) => ({ Name: name, Hash: cid, Tsize: bytes.length }))
  return blockOf(encodePb(prepare({ Data: new UnixFS({ type: 'directory' }).marshal(), Links: links })), dagPbCodec)
}

/** A UnixFS file of these leaves. */
export async function fileBlock (leaves: Block[]): Promise<Block> {
  const unixfs = new UnixFS({ type: 'file' })
  for (const { bytes } of leaves) unixfs.addBlockSize(BigInt(bytes.length))
  const links = leaves.map(({ cid, bytes }) => ({ Name: '', Hash: cid, Tsize: bytes.length }))
  return blockOf(encodePb(prepare({ Data: unixfs.marshal(), Links: links })), dagPbCodec)
}

/** One block at a time, as streams of blocks come. */
export async function * batches (...blocks: Block[]): AsyncGenerator<Block[]> { for (const block of blocks) yield [block] }

/** Of `tree`. `all`: leaf first. */
export interface Tree { root: Block, folder: Block, leaf: Block, all: Block[] }

/** /folder/leaf.txt below a root. */
export async function tree (text = 'a leaf'): Promise<Tree> {
  const leaf = await rawBlock(text)
  const folder = await directoryBlock({ 'leaf.txt': leaf })
  const root = await directoryBlock({ folder })
  return { root, folder, leaf, all: [leaf, folder, root] }
}
