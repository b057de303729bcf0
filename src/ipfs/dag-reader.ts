import type { PBLink } from '@ipld/dag-pb'
import type { UnixFS } from 'ipfs-unixfs'
import type { CID } from 'multiformats/cid'
import { quotedText } from '../base/text/byte-text.ts'
import { ClusterError } from '../base/errors.ts'
import type { Block, JoinedRead, SizedBlock } from '../blockstore/blockstore.ts'

/** Gives a block, from here or from the network. */
export type GetBlock = (cid: CID) => Promise<Uint8Array>

/** A UnixFS node. `kind` raw: a block without UnixFS (raw codec). */
export interface UnixFsNode {
  readonly cid: CID
  readonly kind: 'file' | 'directory' | 'shard' | 'symlink' | 'raw'
  /** Made when they are asked for: a directory of 100,000 entries is better read by `listEntries`. */
  readonly links: readonly PBLink[]
  readonly unixfs: UnixFS | undefined
  readonly data: Uint8Array
}

/** A name in a directory: bytes that aren't UTF-8 stand as in `byte-text.ts`. `sizeBytes`: of the whole DAG below, as the link says. */
export interface DirectoryEntry { name: string, cid: CID, sizeBytes: number }

/** Bytes of a file's content from `from` (inclusive) to `before` (exclusive). */
export interface ByteRange { from: number, before: number }

/** Room for what is read before it is asked for: false when there is none. Every byte that was taken is given back. */
export interface ReadAhead { tryTake (bytes: number): boolean, give (bytes: number): void }

/** Has a block fetched that will soon be read. Undefined when it is here already; rejects when it can't or may not be fetched. */
export type Prefetch = (cid: CID) => Promise<void> | undefined

/** Leaves that one read brings, as the connector's `joined`. */
export type Joined = (leaves: readonly SizedBlock[]) => JoinedRead | undefined

export interface ReadFileOptions {
  /** All of it by default. */
  range?: ByteRange
  /** Who says how much may be read ahead. Without one: a few leaves. */
  ahead?: ReadAhead
  /** For what is elsewhere: it is fetched in order, as far ahead as the consumer and the network are quick. */
  prefetch?: Prefetch | undefined
  /** For what is here: its pieces are larger then than a leaf, up to 1 MiB. Used by `readFile`. */
  joined?: Joined | undefined
}

/** A child of a file's node, and the part of it that a range wants. */
export interface FilePart { cid: CID, sizeBytes: number, inner: ByteRange }

/** A link that a walk takes. `depth`: levels beneath its block that count, -1 all. `name`: in a dag-pb node, if names are wanted. */
export interface WaitingLink { cid: CID, depth: number, parent: CID, name: string }

/**
 * The links that a walk has still to follow: last in, first out, and for each block in order. In bounded memory whatever the DAG: blocks
 * are read again when their turn comes late. One `take`, `load` or `room` at a time.
 */
export interface WaitingLinks {
  /** True when no link waits. */
  isEmpty (): boolean
  /** The links of this block come next. Throws INVALID_DATA. */
  push (block: Block, depth: number): void
  /** The next link; undefined when there is none or `load` has to bring it. */
  take (): WaitingLink | undefined
  /** Brings the next links, so that `take` has one unless all are through. Rejects with INVALID_DATA, or as reading a block does. */
  load (): Promise<void>
  /** Links behind what was taken, as far as they are known now. */
  upcoming (count: number): CID[]
  /** Resolves when there is room in memory again. Await after pushes. */
  room (): Promise<void>
  /** Removes what was put on the disk. Idempotent. */
  close (): Promise<void>
}

/** Blocks that a walk has seen, by multihash, in bounded memory. Await `room` between some thousand `add`s. */
export interface SeenBlocks {
  /** True when it wasn't there. */
  add (multihash: Uint8Array): boolean
  /** Without adding it. */
  has (multihash: Uint8Array): boolean
  /** Resolves when memory is within its bound again. */
  room (): Promise<void>
  /** Removes what was put on the disk. Idempotent. */
  close (): Promise<void>
}

/** Reads DAGs and UnixFS block by block; memory doesn't grow with the content. */
export interface DagReader {
  /** Throws UNSUPPORTED for what isn't UnixFS and INVALID_DATA for what can't be read. */
  readNode (cid: CID, get: GetBlock): Promise<UnixFsNode>
  /** The CID behind a name of a dag-pb node, in a sharded directory too. A node that was read before isn't read again. */
  findEntry (at: CID | UnixFsNode, name: string, get: GetBlock): Promise<CID | undefined>
  /** All entries of a plain or sharded directory that `readNode` gave, in the order of the links. */
  listEntries (node: UnixFsNode, get: GetBlock, options?: { prefetch?: Prefetch | undefined }): AsyncIterable<DirectoryEntry>
  /** Length of a file's content in bytes. */
  fileSize (node: UnixFsNode): number
  /** The content of a file in order. */
  readFile (node: UnixFsNode, get: GetBlock, options?: ReadFileOptions): AsyncIterable<Uint8Array>
  /**
   * The blocks of a file, given by its first one: each that the range touches, nodes before what is below them. Of an empty range the first
   * one alone. Throws INVALID_DATA.
   */
  fileBlocks (root: Block, get: GetBlock, options?: ReadFileOptions): AsyncIterable<Block>
  /** For one walk, who closes it. `withNames`: links of dag-pb nodes come with theirs. */
  waitingLinks (get: GetBlock, options?: { withNames?: boolean }): WaitingLinks
  /** For one walk, who closes it. */
  seenBlocks (): SeenBlocks
}

/** For who reads as far ahead as it likes. */
export const unlimitedAhead: ReadAhead = { tryTake: () => true, give: () => {} }

/** The next link of a walk, loaded if need be; undefined when all are through. Rejects as `load` does. */
export async function nextLink (waiting: WaitingLinks): Promise<WaitingLink | undefined> {
  for (;;) {
    const link = waiting.take()
    if (link != null || waiting.isEmpty()) return link
    await waiting.load()
  }
}

/** For what was asked for ahead of its turn: when it is dropped, or until it is awaited, its error is nobody's. */
export function quietly<T> (promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** NOT_FOUND in Kubo's words: a path goes on with a name that the block doesn't have. Long names are cut. */
export const noLink = (name: string, cid: CID): ClusterError => new ClusterError('NOT_FOUND', { name, cid: cid.toString() }, {
  message: `no link named ${quotedText(name.slice(0, 300))} under ${cid.toString()}`
})
