import type { PBLink } from '@ipld/dag-pb'
import type { UnixFS } from 'ipfs-unixfs'
import type { CID } from 'multiformats/cid'
import type { Block } from '../blockstore/blockstore.ts'

/** Gives a block, from here or from the network. */
export type GetBlock = (cid: CID) => Promise<Uint8Array>

/** A UnixFS node. `kind` raw: a block without UnixFS (raw codec). */
export interface UnixFsNode { cid: CID, kind: 'file' | 'directory' | 'shard' | 'symlink' | 'raw', links: readonly PBLink[], unixfs: UnixFS | undefined, data: Uint8Array }

/** A name in a directory. `sizeBytes`: of the whole DAG below, as the link says. */
export interface DirectoryEntry { name: string, cid: CID, sizeBytes: number }

/** Bytes of a file's content from `from` (inclusive) to `before` (exclusive). */
export interface ByteRange { from: number, before: number }

/** Room for what is read before it is asked for: false when there is none. Every byte that was taken is given back. */
export interface ReadAhead { tryTake (bytes: number): boolean, give (bytes: number): void }

export interface ReadFileOptions {
  /** All of it by default. */
  range?: ByteRange
  /** Who says how much may be read ahead. Without one: a few leaves. */
  ahead?: ReadAhead
}

/** A child of a file's node, and the part of it that a range wants. */
export interface FilePart { cid: CID, sizeBytes: number, inner: ByteRange }

/** Reads DAGs and UnixFS block by block; memory doesn't grow with the content. */
export interface DagReader {
  /** Throws UNSUPPORTED for what isn't UnixFS and INVALID_DATA for what can't be read. */
  readNode (cid: CID, get: GetBlock): Promise<UnixFsNode>
  /** The CID behind a name of a dag-pb node, in a sharded directory too. */
  findEntry (cid: CID, name: string, get: GetBlock): Promise<CID | undefined>
  /** All entries of a plain or sharded directory, in the order of the links. */
  listEntries (node: UnixFsNode, get: GetBlock): AsyncIterable<DirectoryEntry>
  /** Length of a file's content in bytes. */
  fileSize (node: UnixFsNode): number
  /** The content of a file in order. */
  readFile (node: UnixFsNode, get: GetBlock, options?: ReadFileOptions): AsyncIterable<Uint8Array>
  /** The children of a file's node that a range of it touches, in order. Throws INVALID_DATA. */
  partsOf (node: UnixFsNode, range: ByteRange): FilePart[]
  /** The CIDs a block links to, in order, repetitions included. Throws INVALID_DATA. */
  linksOf (block: Block): CID[]
}
