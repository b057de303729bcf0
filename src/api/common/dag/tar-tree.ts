import { posix } from 'node:path'
import { ClusterError } from '../../../base/errors.ts'
import type { DagReader, DirectoryEntry, GetBlock, Prefetch, ReadAhead, UnixFsNode } from '../../../ipfs/dag-reader.ts'
import { tarHeader, tarPadding } from './tar.ts'
import type { TarTime } from './tar.ts'

export interface TarTreeDeps {
  reader: DagReader
  get: GetBlock
  ahead?: ReadAhead
  prefetch?: Prefetch | undefined
  /** The time of what has none. */
  now: TarTime
  /**
   * What an entry of the directory `parent` is called in the archive. Throws INVALID_DATA for a name that must not be there; by default for everything
   * but plain file names.
   */
  nameOf?: (parent: string, entry: DirectoryEntry, directory: UnixFsNode) => string
}

/** Directories below each other. Deeper trees are no trees that anybody made on purpose. */
const maxDepth = 1024

/** The entries of a file or a whole tree below `name`. The end of the archive (`tarEnd`) is left to the caller. */
export async function * tarTree (name: string, node: UnixFsNode, deps: TarTreeDeps, depth = 0): AsyncGenerator<Uint8Array> {
  const { reader, get, ahead, prefetch, now, nameOf = plainName } = deps
  if (depth > maxDepth) throw new ClusterError('INVALID_DATA', { cid: node.cid.toString() }, { message: 'the tree is nested too deeply' })
  const mtime = mtimeOf(node) ?? now
  if (node.kind === 'directory' || node.kind === 'shard') {
    yield tarHeader({ name, type: 'directory', sizeBytes: 0, mode: modeOf(node, 0o755), mtime })
    for await (const entry of reader.listEntries(node, get, { prefetch })) yield * tarTree(nameOf(name, entry, node), await reader.readNode(entry.cid, get), deps, depth + 1)
  } else if (node.kind === 'symlink') {
    yield tarHeader({ name, type: 'symlink', sizeBytes: 0, mode: 0o777, mtime, target: Buffer.from(node.data).toString('utf8') })
  } else {
    const sizeBytes = reader.fileSize(node)
    yield tarHeader({ name, type: 'file', sizeBytes, mode: modeOf(node, 0o644), mtime })
    yield * reader.readFile(node, get, ahead == null ? { prefetch } : { ahead, prefetch })
    yield tarPadding(sizeBytes)
  }
}

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
  new ClusterError('INVALID_DATA', { cid }, { message: `${cid} has an entry with the name ${JSON.stringify(name)}, which is no file name` })

const modeOf = (node: UnixFsNode, whenMissing: number): number => storedMode(node) || whenMissing

/** The permissions that were stored, else 0; `unixfs.mode` makes some up where there are none. */
export const storedMode = ({ unixfs }: UnixFsNode): number => (unixfs?.['_originalMode'] ?? 0) & 0o7777

export function mtimeOf ({ unixfs }: UnixFsNode): TarTime | undefined {
  return unixfs?.mtime == null ? undefined : { seconds: Number(unixfs.mtime.secs), nanoseconds: unixfs.mtime.nsecs ?? 0 }
}
