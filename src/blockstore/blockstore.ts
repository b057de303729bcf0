import type { CID } from 'multiformats/cid'
import type { Startable } from '../base/lifecycle.ts'

/** A block and its address. Stores know blocks by multihash, so v0 and v1 CIDs of the same bytes are one block, as in Kubo. */
export interface Block {
  cid: CID
  bytes: Uint8Array
  /** CRC-32 of `bytes`, where whoever made or checked the block has computed it: a store needn't do it again. */
  crc32?: number
}

/** Bytes of these blocks together, without their CIDs. */
export const bytesOf = (blocks: readonly Block[]): number => blocks.reduce((sum, { bytes }) => sum + bytes.length, 0)

export interface BlockstoreOptions { signal?: AbortSignal }

export interface BlockPutOptions extends BlockstoreOptions {
  /** Resolves when the blocks survive a power loss: cheaper than a `sync` behind it, where they are few. */
  sync?: boolean
}

export interface BlockReadOptions extends BlockstoreOptions {
  /** The block may come as a part of its memory. Without it the store takes its own. */
  allocate?: Allocate
  /** The caller compares the bytes with the CID: the store needn't with its own checksum, and what it gives may be wrong. */
  isUnchecked?: boolean
  /** Not out of what the store keeps in memory: to see whether the disk still has it. */
  fromDisk?: boolean
  /** Nobody waits for it: it shall cost little, however long it takes. */
  isUnhurried?: boolean
}

/** Where a block lies in the store's files. */
export interface BlockPlace { segment: number, offset: number, length: number }

/** A block that is wanted, and how long it is said to be. */
export interface SizedBlock { cid: CID, sizeBytes: number }

/** Blocks that lie one right behind the other, so that one read brings them. */
export interface JoinedRead {
  /** How many of those that were asked for, from the first on: two at least. */
  count: number
  /**
   * Their contents as one, checked like any read. Undefined when they aren't all there any more, or not right: a read of each tells more.
   */
  read (): Promise<Uint8Array | undefined>
}

/** Gives memory of at least so many bytes. */
export type Allocate = (bytes: number) => Uint8Array

/**
 * Reads blocks at places that the store told, with files of its own: for another thread. Each is checked like a read of the store, so a
 * place that is no longer right gives undefined and never other bytes; the store itself has to be asked then.
 */
export interface PlacedReader {
  /** Undefined: the block isn't at this place, or not any more. */
  read (place: BlockPlace, multihash: Uint8Array, allocate?: Allocate): Promise<Uint8Array | undefined>
  /** As the store's, of blocks in the order in which they are wanted. Asks for a next place only where the last one leads on. */
  joined (blocks: Iterable<{ place: BlockPlace, multihash: Uint8Array }>, allocate?: Allocate): JoinedRead | undefined
  /** These segments were removed: their files have to be let go, or the disk doesn't get their room back. */
  forget (segments: readonly number[]): Promise<void>
  close (): Promise<void>
}

/**
 * The blocks of the embedded IPFS node on disk.
 *
 * - `put` resolves when a read sees the blocks and a killed process keeps them; `sync` makes everything put so far survive a power loss.
 *   Putting a block that is there already costs a look-up and nothing else. The store doesn't check hashes: who puts has made or checked
 *   them. The bytes of what was put are the caller's again then: nothing here refers to them.
 * - Identity CIDs are never stored: `get` and `has` answer them from the CID, `put` ignores them.
 * - `get` gives bytes that belong to the caller. A block whose bytes are damaged is gone from then on: `get` gives undefined, it can be put
 *   again, the log and `lostBlocks` tell. Wrong bytes are never given where the store has checksums.
 * - `delete` of unknown blocks is fine. Space is given back in the background; `sizeBytes` counts live blocks.
 * - No space left throws STORAGE_FULL, and nothing of that batch is visible.
 * - After kill -9 the store opens in time that does not depend on the number of blocks, and no half-written block is visible.
 * - Before `start` and after `stop` every method throws NOT_READY.
 */
export interface Blockstore extends Startable {
  /** All of a batch or nothing. */
  put (blocks: readonly Block[], options?: BlockPutOptions): Promise<void>
  /** Undefined: it isn't here. */
  get (cid: CID, options?: BlockReadOptions): Promise<Uint8Array | undefined>
  /** Out of memory: reads no block. */
  has (cid: CID): boolean
  /** Length in bytes, without reading the block. */
  sizeOf (cid: CID): number | undefined
  /** Gone for readers when it resolves. */
  delete (cids: readonly CID[], options?: BlockstoreOptions): Promise<void>
  /** What was put before the call survives a power loss when it resolves. */
  sync (): Promise<void>
  /** The multihashes of all stored blocks, in batches, in no particular order. Blocks put meanwhile may or may not come. */
  multihashes (options?: BlockstoreOptions): AsyncIterable<Uint8Array[]>
  /** Bytes that live blocks take on disk, overhead included. */
  sizeBytes (): number
  /** Where a block lies, for a `PlacedReader`. Undefined when it isn't here, or has no place. Absent: blocks come by `get` alone. */
  placeOf? (cid: CID): BlockPlace | undefined
  /**
   * Whether the first of these blocks lie one right behind the other, each as long as is said. Undefined when they don't, or aren't here.
   * Absent: blocks come by `get` alone.
   */
  joined? (blocks: readonly SizedBlock[], allocate?: Allocate): JoinedRead | undefined
  /**
   * Tells when places that were told are no longer good: blocks were deleted or moved. `gone`: segments that aren't there any more. Gives
   * back what ends it.
   */
  onChange? (changed: (gone: readonly number[]) => void): () => void
  /** Blocks that turned out to be damaged, since the start. */
  lostBlocks? (): number
}
