import type { CID } from 'multiformats/cid'
import type { Block, JoinedRead } from '../../../blockstore/blockstore.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { ByteRange, FilePart, GetBlock, Joined, ReadFileOptions, UnixFsNode } from '../../dag-reader.ts'
import { quietly, unlimitedAhead } from '../../dag-reader.ts'
import { identityHash, rawCodec } from '../../../model/multicodec.ts'
import { fileSize, partsOf } from './file-parts.ts'
import { FilePrefetch } from './file-prefetch.ts'
import { readAhead, readInOrder } from './read-in-order.ts'
import type { Piece } from './read-in-order.ts'
import { readNode } from './directory.ts'

const maxLevels = 64
/** Links that the nodes above a leaf may have together: all of them are in memory. A block of 2 MiB has 45,000 at most. */
const maxPartsAbove = 65_536
/**
 * Leaves that lie one behind the other are read together: so many bytes of them, and none that are smaller than this. Each step from here
 * to a socket costs as much for a large piece.
 */
const joinedBytes = 2 ** 20
const leastJoined = 32 * 1024

/**
 * The content of a file in order; some leaves are read ahead, and those that are elsewhere are fetched further ahead. Stops when the
 * consumer does.
 */
export async function * readFile (
  node: UnixFsNode, get: GetBlock, { range = wholeOf(node), ahead = unlimitedAhead, prefetch, joined }: ReadFileOptions = {}
): AsyncGenerator<Uint8Array> {
  const elsewhere = new FilePrefetch({ node, range }, { get, prefetch })
  try {
    const leaves = pieces(node, range, { get, look: cid => elsewhere.look(cid), joined })
    yield * readInOrder(leaves, { ahead, came: ({ length }, waited) => elsewhere.took(length, waited) })
  } finally {
    elsewhere.stop()
  }
}

/** The same as blocks: each that the range touches, nodes before what is below them. Of an empty range the root alone. */
export async function * fileBlocks (
  root: Block, get: GetBlock, { range, ahead = unlimitedAhead, prefetch }: ReadFileOptions = {}
): AsyncGenerator<Block> {
  const node = await readNode(root.cid, async () => root.bytes)
  const wanted = range ?? wholeOf(node)
  const elsewhere = new FilePrefetch({ node, range: wanted }, { get, prefetch })
  try {
    const blocks = blockPieces({ block: root, node }, wanted, { get, look: cid => elsewhere.look(cid) })
    const came = ({ contentBytes }: FileBlock, waited: boolean): void => elsewhere.took(contentBytes, waited)
    for await (const { block } of readInOrder(blocks, { ahead, came })) yield block
  } finally {
    elsewhere.stop()
  }
}

const wholeOf = (node: UnixFsNode): ByteRange => ({ from: 0, before: fileSize(node) })

/** `look`: called for each child before it is read, unless it is one of those that are `joined`. */
interface PiecesDeps { get: GetBlock, look: (cid: CID) => void, joined?: Joined | undefined }

/** How deep a part is, and how many links are in memory above it. */
interface Depth { level: number, partsAbove: number }
const top: Depth = { level: 0, partsAbove: 0 }

/** The leaves of the range, each as a function that reads its part of it. Inner nodes are read as they come. */
async function * pieces (node: UnixFsNode, range: ByteRange, deps: PiecesDeps, depth = top): AsyncGenerator<Piece<Uint8Array>> {
  const own = cut(node.data, range)
  if (own.length > 0) yield { sizeBytes: own.length, read: async () => own }
  for await (const { part: { cid, sizeBytes, inner }, child, below, together } of children(node, range, { deps, depth })) {
    if (together != null) yield { sizeBytes: bytesOf(together.parts), read: async () => leaves(together, deps.get) }
    else if (child == null) yield { sizeBytes, read: async () => leaf(cid, sizeBytes, inner, deps.get) }
    else if (fileSize(child.node) !== sizeBytes) throw wrongSize(cid)
    else yield * pieces(child.node, inner, deps, below)
  }
}

/** A block, and how many bytes of the range are in itself. */
interface FileBlock { block: Block, contentBytes: number }
interface ReadBlock { block: Block, node: UnixFsNode }

async function * blockPieces (
  { block, node }: ReadBlock, range: ByteRange, deps: PiecesDeps, depth = top
): AsyncGenerator<Piece<FileBlock>> {
  yield { sizeBytes: block.bytes.length, read: async () => ({ block, contentBytes: cut(node.data, range).length }) }
  if (range.from >= range.before) return
  for await (const { part: { cid, sizeBytes, inner }, child, below } of children(node, range, { deps, depth })) {
    const contentBytes = Math.min(sizeBytes, inner.before) - Math.max(0, inner.from)
    if (child == null) yield { sizeBytes, read: async () => ({ block: { cid, bytes: await deps.get(cid) }, contentBytes }) }
    else yield * blockPieces(child, inner, deps, below)
  }
}

/** `child`: read already, unless it is a raw leaf. `together`: the leaf and some behind it. */
interface Child { part: FilePart, child: ReadBlock | undefined, below: Depth, together?: Together }
interface Together { parts: readonly FilePart[], joined: JoinedRead }

/** The children that the range touches, in order. Leaves may be dag-pb, too: nodes of that kind are read ahead. */
async function * children (
  node: UnixFsNode, range: ByteRange, { deps: { get, look, joined }, depth }: { deps: PiecesDeps, depth: Depth }
): AsyncGenerator<Child> {
  if (depth.level > maxLevels) throw tooLarge(node.cid, 'the file is nested too deeply')
  const parts = partsOf(node, range)
  const below = { level: depth.level + 1, partsAbove: depth.partsAbove + node.links.length }
  if (below.partsAbove > maxPartsAbove) throw tooLarge(node.cid, 'the file has too many parts on too many levels')
  const reading = new Map<number, Promise<ReadBlock>>()
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] as FilePart
    const together = joined == null ? undefined : togetherFrom(parts, index, joined)
    if (together != null) {
      yield { part, child: undefined, below, together }
      index += together.parts.length - 1
      continue
    }
    look(part.cid)
    if (part.cid.code === rawCodec) {
      yield { part, child: undefined, below }
      continue
    }
    for (const [offset, { cid }] of parts.slice(index, index + readAhead).entries()) {
      if (cid.code !== rawCodec && !reading.has(index + offset)) reading.set(index + offset, quietly(readBlock(cid, get)))
    }
    const child = await (reading.get(index) as Promise<ReadBlock>)
    reading.delete(index)
    yield { part, child, below }
  }
}

function togetherFrom (parts: readonly FilePart[], index: number, joined: Joined): Together | undefined {
  const wanted: FilePart[] = []
  for (let [at, bytes] = [index, 0]; at < parts.length; at++) {
    const part = parts[at] as FilePart
    bytes += part.sizeBytes
    if (part.cid.code !== rawCodec || part.cid.multihash.code === identityHash || part.sizeBytes < leastJoined || bytes > joinedBytes) break
    wanted.push(part)
  }
  const found = wanted.length < 2 ? undefined : joined(wanted)
  return found == null ? undefined : { parts: wanted.slice(0, found.count), joined: found }
}

async function readBlock (cid: CID, get: GetBlock): Promise<ReadBlock> {
  const bytes = await get(cid)
  return { block: { cid, bytes }, node: await readNode(cid, async () => bytes) }
}

async function leaf (cid: CID, size: number, range: ByteRange, get: GetBlock): Promise<Uint8Array> {
  const bytes = await get(cid)
  if (bytes.length !== size) throw wrongSize(cid)
  return cut(bytes, range)
}

/** What the range wants of leaves that are read together; one by one when they have moved meanwhile, or one isn't right. */
async function leaves ({ parts, joined }: Together, get: GetBlock): Promise<Uint8Array> {
  const bytes = await joined.read() ?? Buffer.concat(
    await Promise.all(parts.map(async ({ cid, sizeBytes }) => leaf(cid, sizeBytes, { from: 0, before: sizeBytes }, get)))
  )
  return cut(bytes, (parts[0] as FilePart).inner)
}

const bytesOf = (parts: readonly FilePart[]): number => parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

const cut = (bytes: Uint8Array, { from, before }: ByteRange): Uint8Array => bytes.subarray(Math.max(0, from), Math.max(0, before))

const tooLarge = (cid: CID, message: string): ClusterError => new ClusterError('INVALID_DATA', { cid: cid.toString() }, { message })
const wrongSize = (cid: CID): ClusterError =>
  new ClusterError('INVALID_DATA', { cid: cid.toString() }, { message: `${cid.toString()} has another size than its link says` })
