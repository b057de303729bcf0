import type { CID } from 'multiformats/cid'
import { ClusterError } from '../../base/errors.ts'
import type { ByteRange, GetBlock, ReadAhead, ReadFileOptions, UnixFsNode } from '../dag-reader.ts'
import { FileScout } from './file-scout.ts'
import type { FileScoutDeps } from './file-scout.ts'
import { fileSize, partsOf } from './file-parts.ts'
import { readNode } from './unixfs-directory.ts'

/** Leaves that are asked for ahead of the one that is being read. */
const readAhead = 8
const maxLevels = 64
/** Links that the nodes above a leaf may have together: all of them are in memory. A block of 2 MiB has 45,000 at most. */
const maxPartsAbove = 65_536

/** A leaf that is still to be read, and how many bytes of memory it takes. */
interface Piece { sizeBytes: number, read: () => Promise<Uint8Array> }

interface StartedPiece { bytes: Promise<Uint8Array>, taken: number, isHere: boolean }

/** The content of a file in order; some leaves are read ahead, and those that are elsewhere are fetched further ahead. Stops when the consumer does. */
export async function * readFile (node: UnixFsNode, get: GetBlock, { range = { from: 0, before: fileSize(node) }, ahead = unlimited, prefetch }: ReadFileOptions = {}): AsyncGenerator<Uint8Array> {
  const started: StartedPiece[] = []
  let [position, scout] = [range.from, undefined as FileScout | undefined]
  // what is here costs nothing but the look
  const look = (cid: CID): void => {
    const coming = scout == null ? prefetch?.(cid) : undefined
    coming?.catch(() => {})
    if (coming != null && prefetch != null) scout = scouting(node, { ...range, from: position }, { get, prefetch })
  }
  const next = async (): Promise<Uint8Array> => {
    const piece = started.shift() as StartedPiece
    ahead.give(piece.taken)
    const waited = !piece.isHere
    const bytes = await piece.bytes
    position += bytes.length
    scout?.took(bytes.length, waited)
    return bytes
  }
  try {
    for await (const { sizeBytes, read } of pieces(node, range, { get, look })) {
      const mayWait = started.length < readAhead && ahead.tryTake(sizeBytes)
      started.push(startedPiece(read(), mayWait ? sizeBytes : 0))
      // without room everything that was started goes out before more is read
      for (let keep = mayWait ? readAhead : 0; started.length > keep;) yield await next()
    }
    while (started.length > 0) yield await next()
  } finally {
    scout?.stop()
    for (const { taken } of started) ahead.give(taken)
  }
}

function startedPiece (reading: Promise<Uint8Array>, taken: number): StartedPiece {
  const piece: StartedPiece = { bytes: quietly(reading), taken, isHere: false }
  reading.then(() => { piece.isHere = true }, () => {})
  return piece
}

function scouting (node: UnixFsNode, range: ByteRange, deps: FileScoutDeps): FileScout {
  const scout = new FileScout(range.from, deps)
  void scout.run(node, range)
  return scout
}

const unlimited: ReadAhead = { tryTake: () => true, give: () => {} }

/** `look`: called for each child before it is read. */
interface PiecesDeps { get: GetBlock, look: (cid: CID) => void }

/** The leaves of the range, each as a function that reads its part of it. Inner nodes are read as they come. */
async function * pieces (node: UnixFsNode, range: ByteRange, deps: PiecesDeps, { level, partsAbove } = { level: 0, partsAbove: 0 }): AsyncGenerator<Piece> {
  if (level > maxLevels) throw new ClusterError('INVALID_DATA', { cid: node.cid.toString() }, { message: 'the file is nested too deeply' })
  const { get, look } = deps
  const own = cut(node.data, range)
  if (own.length > 0) yield { sizeBytes: own.length, read: async () => own }
  const parts = partsOf(node, range)
  const above = { level: level + 1, partsAbove: partsAbove + node.links.length }
  if (above.partsAbove > maxPartsAbove) throw new ClusterError('INVALID_DATA', { cid: node.cid.toString() }, { message: 'the file has too many parts on too many levels' })
  const nodes = new Map<number, Promise<UnixFsNode>>()
  for (const [index, { cid, sizeBytes, inner }] of parts.entries()) {
    look(cid)
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
    yield * pieces(child, inner, deps, above)
  }
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
