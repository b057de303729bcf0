import type { CID } from 'multiformats/cid'
import type { Block } from '../blockstore/blockstore.ts'
import type { DagParams, UploadEntry, Wrapping } from '../model/add.ts'
import type { Pin, PinOptions } from '../model/pin.ts'

/**
 * Where finished blocks go, in batches that need not be gathered again. `write` may take time: the importer waits, so that memory stays
 * bounded. Blocks come children before parents. `isLast`: nothing follows.
 */
export interface BlockSink { write (blocks: readonly Block[], options?: { isLast?: boolean }): Promise<void> | void }

/** Something that was finished: a file, a directory, or bytes read so far of a file (cid null). */
export interface ImportOutput {
  /** As Go prints it (adder). */
  name: string
  cid: CID | null
  /** Progress only. */
  bytes: number
  /** Cumulative DAG size in bytes. */
  size: number
}

export interface ImportOptions {
  /** Looked at before each piece of input: who aborts also ends the entries' contents. */
  signal?: AbortSignal
  wrap: Wrapping
  /** Also yield progress, every 256 KiB and at the end of each file. */
  progress: boolean
  /** Called for each top-level root when it is known, before its line is yielded. The last one is what gets pinned. */
  onRoot?: (root: CID, name: string) => void
  /**
   * For sharded adds, whose shards Go makes of exactly these blocks: also write the scratch blocks that Go's importer leaves behind (the
   * empty directory, and for a file at top level a directory around it), and have every block written before the line that follows it is
   * yielded.
   */
  scratchBlocks?: boolean
}

/**
 * UnixFS import: entries → blocks, bit by bit what Kubo 0.44 makes. Throws INVALID_ARGUMENT with Go's texts for unknown chunkers, hashes
 * and CID versions ("unrecognized chunker option: …", api/add.go) when the first block is needed, and for a name that is a file and a
 * directory at once.
 *
 * - A hash that Kubo stores no blocks of (murmur3, md5, digests under 20 bytes, identity digests over 128): the lines come, the blocks are
 *   not written, and IPFS_ERROR ("failed to put block on all destinations") is thrown at the end, as Go does.
 * - A second entry with the same name replaces the first; of directories, what comes later is added to it. Of a top-level directory that
 *   another one came after, the lines come twice then: as it was, and at the end. An upload without entries yields nothing and calls no
 *   `onRoot`.
 * - Pieces of content must not be changed after they were yielded: blocks may share their memory, which may be lent: a sink that is the
 *   only one to have a block gives its bytes back (`giveBack`) when nobody reads them any more, if it likes. Before, they never change.
 * - Outside of `scratchBlocks`, blocks are written in batches of about 1 MiB, one batch under way while the next is made: a line may come
 *   before its blocks are written. All are written when the iterable ends; none is being written after it ended or threw.
 * - Memory per import: two batches, one read buffer, one chunk (at most 2 MiB each), the open nodes of one file, and the names of the
 *   directories.
 */
export type Importer = (entries: AsyncIterable<UploadEntry>, params: DagParams, sink: BlockSink, options: ImportOptions) =>
  AsyncIterable<ImportOutput>

export interface CarOptions {
  signal?: AbortSignal
  /**
   * As Kubo's `dag import` (go-car v2.17): version 2 too, any number of roots and blocks, and its texts for errors. Default: as Go's
   * cluster.
   */
  likeKubo?: boolean
  /** INVALID_ARGUMENT at the end when no block of the only root has come. Default: it may be elsewhere, as for Go. */
  needsRoot?: boolean
}

/** What a CAR held. */
export interface ImportedCar {
  /** One, unless it was read as Kubo does. */
  roots: readonly CID[]
  /** Sum of the lengths of all blocks. */
  bytes: number
  /** UnixFS file size, when the only root is in the CAR and is a UnixFS file; else 0. */
  size: number
}

/**
 * Reads a CARv1 and writes its blocks, of any codec, in their order, each checked against its CID and, if it is dag-pb or dag-cbor, for
 * being that. A section without length is the end, as in Go: what comes behind it isn't read. Memory is constant: two batches and one block
 * (at most 8 MiB). Throws INVALID_ARGUMENT with Go's texts (adder: roots, "unexpected EOF", "mismatch in content integrity, …"); a CAR
 * without blocks throws it with the fact `empty: true`. Batches before the fault have been written. Hashes that Kubo refuses end in
 * IPFS_ERROR, as in `Importer`.
 */
export type CarImporter = (content: AsyncIterable<Uint8Array>, sink: BlockSink, options: CarOptions) => Promise<ImportedCar>

/**
 * Most names in the path of an entry, as many as an archive of a tree may have below each other. More are refused with INVALID_ARGUMENT.
 */
const maxPathLevels = 1024
/** The message of INVALID_ARGUMENT for such a path. */
export const pathTooDeep = `a path has more than ${maxPathLevels} levels`

/** Whether a path has more levels than an import takes. */
export function isPathTooDeep (path: string): boolean {
  let levels = 1
  for (let at = path.indexOf('/'); at >= 0 && levels <= maxPathLevels; at = path.indexOf('/', at + 1)) levels++
  return levels > maxPathLevels
}

/** A finished shard of a sharded add (adder). */
export interface Shard {
  /** 0, 1, 2, … Its line is called `shard-<index>`. */
  index: number
  /** The shard node. */
  cid: CID
  /** Sum of the lengths of its data blocks: the line's `size`. */
  sizeBytes: number
  /** The shard-pin, complete but for `allocations` and `timestamp`. */
  pin: Pin
}

/** The end of a sharded add. */
export interface ClusterDag {
  /** Its line is called `<name>-clusterDAG`. */
  cid: CID
  /** To be put on this peer, before the pins are made; the root first. */
  blocks: Block[]
  /** Sum of the shards' sizes: the line's `size`. */
  sizeBytes: number
  /** Pins to be made, in this order: the clusterdag-pin, then the meta-pin, complete but for `timestamp`. */
  pins: [clusterDag: Pin, meta: Pin]
}

/** Who stores the shards. The sharder waits for each answer; an error ends the add. */
export interface ShardTarget {
  /** A shard begins: allocate peers for it and give the sink that takes its blocks to them. */
  openShard (index: number): Promise<BlockSink> | BlockSink
  /** All blocks of the shard and its own nodes were written to its sink: end the streams, make the pin, print the line. */
  closeShard (shard: Shard): Promise<void> | void
}

/**
 * Cuts a stream of blocks into shards: write all blocks of the upload to it, then call `finish` with the data's root. A block that was
 * already written is left out (the last 500,000 or more distinct blocks are remembered). Throws INVALID_ARGUMENT when a block doesn't fit
 * into an empty shard, or when `finish` finds no blocks.
 */
export interface Sharder extends BlockSink {
  /** Takes the blocks of the DAG in their order. */
  write (blocks: readonly Block[]): Promise<void>
  /** Ends the last shard and links all of them. */
  finish (dataRoot: CID): Promise<ClusterDag>
}

/**
 * `options` are those of the upload: name, replication factors, metadata, …; a block fits while shard + block < `options.shardSize`, and
 * while the shard has fewer than `maxLinks` blocks (a million by default: what is known of an open shard is in memory).
 */
export type SharderFactory = (init: { options: PinOptions, maxLinks?: number }, target: ShardTarget) => Sharder
