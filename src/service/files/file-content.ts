import { isClusterError } from '../../base/errors.ts'
import type { Clock } from '../../base/clock.ts'
import { deadline } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { DagReader, GetBlock, Joined, Prefetch, UnixFsNode } from '../../ipfs/dag-reader.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import { parseCid } from '../../model/cid.ts'
import type { FileRow } from '../sql/tables.ts'
import type { Staging } from '../staging/staging.ts'
import type { FileContent } from './files.ts'

export interface FileContentInit {
  /** How long a block that isn't here may take. Milliseconds. */
  blockTimeoutMs: number
}

export interface FileContentDeps {
  ipfs: Pick<IpfsConnector, 'getBlock' | 'joined' | 'prefetch'>, reader: DagReader, staging: Pick<Staging, 'read'>, clock: Clock
}

/** The bytes of a file as they lie in staging. */
export function stagedFileContent (file: FileRow & { staging_key: string }, { staging }: Pick<FileContentDeps, 'staging'>): FileContent {
  return {
    file,
    kind: 'bytes',
    sizeBytes: file.size_bytes,
    read: ({ from, before }, options = {}) => staging.read(file.staging_key, { ...options, offset: from, length: before - from })
  }
}

/** What the IPFS node has, or gets, under a file's CID. A root that isn't UnixFS is given as the block that it is. */
export async function pinnedFileContent (
  file: FileRow, { blockTimeoutMs, signal }: FileContentInit & { signal?: AbortSignal }, deps: FileContentDeps
): Promise<FileContent> {
  const { ipfs, reader, clock } = deps
  const root = parseCid(file.cid)
  const getUntil = (ended: AbortSignal | undefined): GetBlock => async cid => {
    const limit = deadline(
      clock,
      blockTimeoutMs,
      () => new ClusterError('TIMEOUT', { cid: cid.toString() }, { message: `the block ${cid.toString()} did not come in time` }),
      ended
    )
    try {
      return await ipfs.getBlock(cid, { signal: limit.signal, root, untilNobody: true })
    } finally {
      limit.clear()
    }
  }
  const get = getUntil(signal)
  let node: UnixFsNode
  try {
    node = await reader.readNode(root, get)
  } catch (err) {
    if (!isClusterError(err, 'UNSUPPORTED')) throw err
    return wholeBytes(file, await get(root))
  }
  if (node.kind === 'directory' || node.kind === 'shard') return { file, kind: 'tree', node, get, joined: joinedIn(ipfs) }
  if (node.links.length === 0) return wholeBytes(file, node.data)
  const prefetch = (ended: AbortSignal | undefined): Prefetch | undefined =>
    ipfs.prefetch == null ? undefined : cid => ipfs.prefetch?.(cid, { root, ...(ended == null ? {} : { signal: ended }) })
  return {
    file,
    kind: 'bytes',
    sizeBytes: reader.fileSize(node),
    read: (range, options = {}) =>
      reader.readFile(node, getUntil(options.signal), { range, prefetch: prefetch(options.signal), joined: joinedIn(ipfs) })
  }
}

/** Leaves that lie one behind the other on the disk come with one read. */
const joinedIn = (ipfs: FileContentDeps['ipfs']): Joined => leaves => ipfs.joined?.(leaves)

const wholeBytes = (file: FileRow, bytes: Uint8Array): FileContent => ({
  file,
  kind: 'bytes',
  sizeBytes: bytes.length,
  read: async function * ({ from, before }) { yield bytes.subarray(from, before) }
})
