import type { CID } from 'multiformats/cid'
import { ClusterError } from '../../base/errors.ts'
import type { ByteRange, FilePart, GetBlock, ReadAhead, ReadFileOptions, UnixFsNode } from '../dag-reader.ts'
import { readNode } from './unixfs-directory.ts'

/** Leaves that are asked for ahead of the one that is being read. */
const readAhead = 8
const maxLevels = 64
/** Links that the nodes above a leaf may have together: all of them are in memory. A block of 2 MiB has 45,000 at most. */
const maxPartsAbove = 65_536

/** Length of a file's content in bytes. */
export function fileSize (node: UnixFsNode): number {
  return node.unixfs == null ? node.data.length : Number(node.unixfs.fileSize())
}

/** A leaf that is still to be read, and how many bytes of memory it takes. */
interface Piece { sizeBytes: number, read: () => Promise<Uint8Array> }

/** The content of a file in order; some leaves are fetched ahead. Stops when the consumer does. */
export async function * readFile (node: UnixFsNode, get: GetBlock, { range = { from: 0, before: fileSize(node) }, ahead = unlimited }: ReadFileOptions = {}): AsyncGenerator<Uint8Array> {
  const started: Array<{ bytes: Promise<Uint8Array>, taken: number }> = []
  const next = async (): Promise<Uint8Array> => {
    const { bytes, taken } = started.shift() as { bytes: Promise<Uint8Array>, taken: number }
    ahead.give(taken)
    return bytes
  }
  try {
    for await (const { sizeBytes, read } of pieces(node, range, get)) {
      const mayWait = started.length < readAhead && ahead.tryTake(sizeBytes)
      started.push({ bytes: quietly(read()), taken: mayWait ? sizeBytes : 0 })
      // without room everything that was started goes out before more is read
      for (let keep = mayWait ? readAhead : 0; started.length > keep;) yield await next()
    }
    while (started.length > 0) yield await next()
  } finally {
    for (const { taken } of started) ahead.give(taken)
  }
}

const unlimited: ReadAhead = { tryTake: () => true, give: () => {} }

/** The leaves of the range, each as a function that reads its part of it. Inner nodes are read as they come. */
async function * pieces (node: UnixFsNode, range: ByteRange, get: GetBlock, { level, partsAbove } = { level: 0, partsAbove: 0 }): AsyncGenerator<Piece> {
  if (level > maxLevels) throw new ClusterError('INVALID_DATA', { cid: node.cid.toString() }, { message: 'the file is nested too deeply' })
  const own = cut(node.data, range)
  if (own.length > 0) yield { sizeBytes: own.length, read: async () => own }
  const parts = partsOf(node, range)
  const above = { level: level + 1, partsAbove: partsAbove + node.links.length }
  if (above.partsAbove > maxPartsAbove) throw new ClusterError('INVALID_DATA', { cid: node.cid.toString() }, { message: 'the file has too many parts on too many levels' })
  const nodes = new Map<number, Promise<UnixFsNode>>()
  for (const [index, { cid, sizeBytes, inner }] of parts.entries()) {
    if (cid.code === 0x55) {
      yield { sizeBytes, read: async () => leaf(cid, sizeBytes, inner, get) }
      continue
    }
    // leaves may be dag-pb, too: their siblings are read ahead
    for (const [offset, next] of parts.slice(index, index + readAhead).entries()) {
      if (next.cid.code !== 0x55 && !nodes.has(index + offset)) nodes.set(index + offset, quietly(readNode(next.cid, get)))
    }
    const child = await (nodes.get(index) as Promise<UnixFsNode>)
    nodes.delete(index)
    if (fileSize(child) !== sizeBytes) throw wrongSize(cid)
    yield * pieces(child, inner, get, above)
  }
}

/** The children that the range needs, with the range as they see it. */
export function partsOf (node: UnixFsNode, range: ByteRange): FilePart[] {
  const sizes = node.unixfs?.blockSizes ?? []
  if (sizes.length !== node.links.length) throw new ClusterError('INVALID_DATA', { cid: node.cid.toString() }, { message: `${node.cid.toString()} has links without sizes` })
  let at = node.data.length
  return node.links.flatMap(({ Hash: cid }, index) => {
    const sizeBytes = Number(sizes[index])
    const inner = { from: range.from - at, before: range.before - at }
    at += sizeBytes
    return inner.from >= sizeBytes || inner.before <= 0 ? [] : [{ cid, sizeBytes, inner }]
  })
}

async function leaf (cid: CID, size: number, range: ByteRange, get: GetBlock): Promise<Uint8Array> {
  const bytes = await get(cid)
  if (bytes.length !== size) throw wrongSize(cid)
  return cut(bytes, range)
}

const cut = (bytes: Uint8Array, { from, before }: ByteRange): Uint8Array => bytes.subarray(Math.max(0, from), Math.max(0, before))

const wrongSize = (cid: CID): ClusterError => new ClusterError('INVALID_DATA', { cid: cid.toString() }, { message: `${cid.toString()} has another size than its link says` })

/** A promise that may be dropped when an earlier one fails. */
function quietly<T> (promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
