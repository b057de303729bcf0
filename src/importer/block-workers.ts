import type { CID } from 'multiformats/cid'
import type { Block } from '../blockstore/blockstore.ts'
import type { DagParams } from '../model/add.ts'

/** What decides about the leaves of a file. */
export type LeafFormat = Pick<DagParams, 'chunker' | 'hash' | 'cidVersion' | 'rawLeaves' | 'layout'>

/** Bytes with memory of their own, which goes over to whoever takes them: the giver can't use them any more. */
export type OwnBytes = Uint8Array<ArrayBuffer>

/** Bytes of a file that another thread makes into leaves. */
export interface LeafJob {
  format: LeafFormat
  bytes: OwnBytes
  /** The file ends with these bytes. */
  isLast: boolean
  /** Memory that nobody uses, for leaves that are not parts of these bytes; it goes over, too. Leaves that need more get their own. */
  into?: ArrayBuffer | undefined
}

/** A leaf and how many bytes of the file are in it. */
export interface Leaf { block: Block, fileSize: number }

/** What became of a `LeafJob`. */
export interface LeafBatch {
  leaves: readonly Leaf[]
  /** What is behind the last whole chunk: it belongs in front of the next job's bytes. Empty when the file ends, or after whole chunks. */
  rest: Uint8Array
  /** The job's memory, if nobody uses it any more. */
  spare: ArrayBuffer | undefined
  /** Where the leaves are. */
  memory: ArrayBuffer | undefined
}

/** Sections of a CAR (CID and block), one behind the other without their lengths. */
export interface SectionJob { bytes: OwnBytes, lengths: readonly number[] }

/** Sections of a CAR whose hashes another thread has compared. */
export interface CheckedSections {
  /** The blocks up to the first section that isn't right. */
  blocks: readonly Block[]
  /** That section. */
  bad: Uint8Array | undefined
}

/** A job that somebody works on. */
export interface Begun<Result> { result: Promise<Result> }

/**
 * Who does what costs processor time per byte of content: cutting, hashing and encoding of leaves, checks of blocks against their CIDs.
 * Jobs are functions of their bytes: they can run anywhere and in any order.
 *
 * - `leaves` and `sections` resolve when somebody works on the job. Until then the caller holds back what comes next, so that the bytes
 *   under way are bounded: at most `width` jobs of all callers together have begun and not ended.
 * - Results reject with what the job throws (INVALID_ARGUMENT with Go's texts), or INTERNAL when the one who worked on it is gone. A job
 *   always ends; nobody has to take its result.
 * - Blocks of a result have their CRC-32. They may share memory with each other.
 */
export interface BlockWorkers {
  readonly width: number
  leaves (job: LeafJob): Promise<Begun<LeafBatch>>
  sections (job: SectionJob): Promise<Begun<CheckedSections>>
}

/** A block as it comes back from a job: where its bytes are in the job's memory. */
export interface PackedBlock { cid: Uint8Array, at: number, length: number, crc32: number }

/** Blocks that share one piece of memory. */
export interface PackedBlocks { memory: ArrayBuffer, blocks: readonly PackedBlock[] }

/** Gives a CID of its bytes. */
export type DecodeCid = (bytes: Uint8Array) => CID

/** The blocks themselves: without a copy. */
export const unpacked = ({ memory, blocks }: PackedBlocks, decode: DecodeCid): Block[] =>
  blocks.map(({ cid, at, length, crc32 }) => ({ cid: decode(cid), bytes: new Uint8Array(memory, at, length), crc32 }))
