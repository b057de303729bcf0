import { posix } from 'node:path'
import { quotedText, textOfBytes } from '../../../base/text/byte-text.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { DagReader, DirectoryEntry, GetBlock, Joined, Prefetch, ReadAhead, UnixFsNode } from '../../../ipfs/dag-reader.ts'
import { tarHeader, tarPadding } from './tar.ts'
import type { TarTime } from './tar.ts'

export interface TarTreeDeps {
  reader: DagReader
  get: GetBlock
  ahead?: ReadAhead
  prefetch?: Prefetch | undefined
  joined?: Joined | undefined
  /** The time of what has none. */
  now: TarTime
  /**
   * What an entry of the directory `parent` is called in the archive. Throws INVALID_DATA for a name that must not be there; by default for
   * everything but plain file names.
   */
  nameOf?: (parent: string, entry: DirectoryEntry, directory: UnixFsNode) => string
}

/** Directories below each other. Deeper trees are no trees that anybody made on purpose. */
const maxDepth = 1024
/** A path in the archive. Linux takes 4096 bytes. */
const maxPathLength = 65_536
/**
 * Directories whose listings wait for what is below them are in memory: decoded, a block takes up to 15 times its bytes. Enough for 17
 * blocks of 256 KiB, larger than Kubo makes them, below each other, or two of 2 MiB.
 */
const maxWaitingBytes = 64 * 1024 * 1024
const decodedFactor = 15

/** A directory below the root. `waitingBytes`: of the directories above it. */
interface Place { depth: number, waitingBytes: number }

/**
 * The entries of a file or a whole tree below `name`. The end of the archive (`tarEnd`) is left to the caller. Throws INVALID_DATA for what
 * is nested too deeply, or too large for its depth: memory is bounded whatever the tree.
 */
export async function * tarTree (name: string, node: UnixFsNode, deps: TarTreeDeps): AsyncGenerator<Uint8Array> {
  yield * entries(name, node, deps, { depth: 0, waitingBytes: 0 })
}

async function * entries (name: string, node: UnixFsNode, deps: TarTreeDeps, place: Place): AsyncGenerator<Uint8Array> {
  const { reader, get, ahead, prefetch, joined, now } = deps
  const mtime = mtimeOf(node) ?? now
  if (node.kind === 'directory' || node.kind === 'shard') {
    yield tarHeader({ name, type: 'directory', sizeBytes: 0, mode: modeOf(node, 0o755), mtime })
    yield * children(name, node, deps, place)
  } else if (node.kind === 'symlink') {
    yield tarHeader({ name, type: 'symlink', sizeBytes: 0, mode: 0o777, mtime, target: textOfBytes(node.data) })
  } else {
    const sizeBytes = reader.fileSize(node)
    yield tarHeader({ name, type: 'file', sizeBytes, mode: modeOf(node, 0o644), mtime })
    yield * reader.readFile(node, get, ahead == null ? { prefetch, joined } : { ahead, prefetch, joined })
    yield tarPadding(sizeBytes)
  }
}

async function * children (name: string, node: UnixFsNode, deps: TarTreeDeps, { depth, waitingBytes }: Place): AsyncGenerator<Uint8Array> {
  const { reader, get, prefetch, nameOf = plainName } = deps
  // a sharded directory waits with one part of each level
  let partBytes = 0
  const getPart: GetBlock = async cid => {
    const bytes = await get(cid)
    partBytes = Math.max(partBytes, bytes.length)
    return bytes
  }
  for await (const entry of reader.listEntries(node, getPart, { prefetch })) {
    let blockBytes = 0
    const child = await reader.readNode(entry.cid, async cid => {
      const bytes = await get(cid)
      blockBytes = bytes.length
      return bytes
    })
    const path = nameOf(name, entry, node)
    const isDirectory = child.kind === 'directory' || child.kind === 'shard'
    const waiting = waitingBytes + (isDirectory ? blockBytes + partBytes * shardLevels(node) : 0) * decodedFactor
    if (depth === maxDepth || waiting > maxWaitingBytes || path.length > maxPathLength) throw tooDeep(node)
    yield * entries(path, child, deps, { depth: depth + 1, waitingBytes: waiting })
  }
}

/** Levels of a sharded directory: the names' hashes have 64 bits. */
const shardLevels = ({ unixfs }: UnixFsNode): number => Math.floor(64 / Math.log2(Number(unixfs?.fanout ?? 256n)))

const tooDeep = ({ cid }: UnixFsNode): ClusterError => new ClusterError(
  'INVALID_DATA', { cid: cid.toString() }, { message: 'the tree is nested too deeply, or its nested directories are too large' }
)

function plainName (parent: string, { name }: DirectoryEntry, { cid }: UnixFsNode): string {
  if (name === '' || name === '.' || name === '..' || name.includes('/')) throw badName(name, cid.toString())
  return `${parent}/${name}`
}

/** Names may have slashes and dots, as long as they stay below `root`. */
export function nameBelow (root: string): NonNullable<TarTreeDeps['nameOf']> {
  return (parent, { name }, { cid }) => {
    const joined = posix.normalize(`${parent}/${name}`)
    if (name === '' || !joined.startsWith(`${root}/`) || joined.includes('\0')) throw badName(name, cid.toString())
    return joined
  }
}

const badName = (name: string, cid: string): ClusterError =>
  new ClusterError('INVALID_DATA', { cid }, { message: `${cid} has an entry with the name ${quotedText(name)}, which is no file name` })

const modeOf = (node: UnixFsNode, whenMissing: number): number => storedMode(node) || whenMissing

/** The permissions that were stored, else 0; `unixfs.mode` makes some up where there are none. */
export const storedMode = ({ unixfs }: UnixFsNode): number => (unixfs?.['_originalMode'] ?? 0) & 0o7777

/** When UnixFS says that it was modified; undefined when it says nothing. */
export function mtimeOf ({ unixfs }: UnixFsNode): TarTime | undefined {
  return unixfs?.mtime == null ? undefined : { seconds: Number(unixfs.mtime.secs), nanoseconds: unixfs.mtime.nsecs ?? 0 }
}
