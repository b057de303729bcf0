import type { CID } from 'multiformats/cid'
import type { Block } from '../blockstore/blockstore.ts'
import type { DagParams, UploadEntry } from '../model/add.ts'

/** Where finished blocks go. `write` may take time: the importer waits, so that memory stays bounded. Blocks come children before parents. */
export interface BlockSink { write (blocks: readonly Block[]): Promise<void> | void }

/** Something that was finished: a file, a directory, or bytes read so far of a file (cid null). */
export interface ImportOutput {
  /** As Go prints it (rest-api §8.3). */
  name: string
  cid: CID | null
  /** Progress only. */
  bytes: number
  /** Cumulative DAG size in bytes. */
  size: number
}

export interface ImportOptions {
  signal?: AbortSignal
  wrap: boolean
  /** Also yield progress, every 256 KiB and at the end of each file. */
  progress: boolean
  /** Called for each top-level root when it is known, before its line is yielded. The last one is what gets pinned. */
  onRoot?: (root: CID, name: string) => void
}

/**
 * UnixFS import: entries → blocks, bit by bit what Kubo 0.44 makes. Throws INVALID_ARGUMENT with Go's texts for unknown chunkers, hashes and CID
 * versions ("unrecognized chunker option: …", rest-api §8.2) when the first block is needed. Memory per import: one read buffer, one chunk, the open nodes
 * of one file, and the names of the open directories.
 */
export type Importer = (entries: AsyncIterable<UploadEntry>, params: DagParams, sink: BlockSink, options: ImportOptions) => AsyncIterable<ImportOutput>
