import type { Block } from '../../../blockstore/blockstore.ts'
import type { ByteRange, DagReader, GetBlock, Prefetch, ReadAhead, UnixFsNode } from '../../../ipfs/dag-reader.ts'
import { walk } from '../../common/dag/walk.ts'
import { dagPbCodec, identityHash } from '../../../model/multicodec.ts'
import type { CarParams } from './car-params.ts'

export interface CarBlocksDeps {
  reader: DagReader
  get: GetBlock
  /** Has a block fetched that will be read soon. */
  prefetch: Prefetch
  room: ReadAhead
}

/** The blocks of a scope, depth first, repeated ones too. */
export function scopeBlocks (root: Block, { scope, bytes, repeats }: CarParams, deps: CarBlocksDeps): AsyncIterable<Block> {
  if (scope === 'all') return walk(root.cid, deps, { repeats })
  return scope === 'entity' ? entityBlocks(root, bytes, deps) : only(root)
}

async function * only (block: Block): AsyncGenerator<Block> { yield block }

async function * entityBlocks (root: Block, bytes: CarParams['bytes'], deps: CarBlocksDeps): AsyncGenerator<Block> {
  const { reader, get, prefetch, room: ahead } = deps
  const node = root.cid.code === dagPbCodec ? await unixFs(root, reader) : undefined
  if (node?.kind === 'shard') yield * shardBlocks(node, deps)
  else if (node?.kind === 'file') yield * reader.fileBlocks(root, get, { range: rangeOf(bytes, reader.fileSize(node)), ahead, prefetch })
  else yield root
}

/** Undefined for dag-pb that is no UnixFS. */
async function unixFs ({ cid, bytes }: Block, reader: DagReader): Promise<UnixFsNode | undefined> {
  try {
    return await reader.readNode(cid, async () => bytes)
  } catch {
    return undefined
  }
}

/** All nodes of a sharded directory, in the order in which its listing reads them; nothing of its entries. */
async function * shardBlocks (node: UnixFsNode, { reader, get, prefetch }: CarBlocksDeps): AsyncGenerator<Block> {
  const read: Block[] = [{ cid: node.cid, bytes: await get(node.cid) }]
  const noting: GetBlock = async cid => {
    const bytes = await get(cid)
    read.push({ cid, bytes })
    return bytes
  }
  for await (const entry of reader.listEntries(node, noting, { prefetch })) {
    if (entry != null) yield * read.splice(0)
  }
  yield * read
}

/** Cut to the file; from an end that lies before its beginning nothing is left. */
function rangeOf (bytes: CarParams['bytes'], size: number): ByteRange {
  if (bytes == null) return { from: 0, before: size }
  const from = bytes.from < 0 ? Math.max(0, size + bytes.from) : bytes.from
  const to = bytes.to == null ? size - 1 : bytes.to < 0 ? size + bytes.to : bytes.to
  return { from, before: Math.min(size, to + 1) }
}

/** Leaves out what a CAR never holds (identity blocks) and, unless repeats are wanted, what came before. */
export async function * withoutRepeats (
  path: AsyncIterable<Block>, blocks: AsyncIterable<Block>, { reader, repeats }: { reader: Pick<DagReader, 'seenBlocks'>, repeats: boolean }
): AsyncGenerator<Block> {
  const seen = reader.seenBlocks()
  let given = 0
  try {
    for (const source of [path, blocks]) {
      for await (const block of source) {
        const { multihash } = block.cid
        if (multihash.code === identityHash || (!repeats && !seen.add(multihash.bytes))) continue
        if (++given % blocksPerRoom === 0) await seen.room()
        yield block
      }
    }
  } finally {
    await seen.close()
  }
}

/** Blocks between two looks whether the set of seen blocks has room. */
const blocksPerRoom = 1024
