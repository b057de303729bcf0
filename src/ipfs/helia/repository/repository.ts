import type { CID } from 'multiformats/cid'
import type { CollectionOptions, IpfsPinStatus, RepoStat } from '../../ipfs.ts'
import type { Startable } from '../../../base/lifecycle.ts'
import type { RemovedKey } from '../../../model/peer.ts'

/**
 * What the embedded node knows and does without the network: its pin roots, the walk through a DAG, garbage collection, room on the disk.
 *
 * How the pieces keep a block safe, in this order and no other:
 *
 * | operation | steps |
 * |---|---|
 * | pin | `guard = protection.guard()`; `walkDag(root, { guard, … })`, which protects each block before it asks for it; `await roots.add(…)`; `guard.release()` |
 * | add (`BlockHold`) | `guard = protection.guard()`; per batch `await guard.protect(cids)`, then `blockstore.put`; the pin of the root as above; `guard.release()` |
 * | putBlocks, an add that pins nothing | as add without the pin, and `await recent.note(cids)` after each put; a release then leaves them safe for an hour |
 * | unpin | `await roots.remove(cid)` |
 * | repoGc | `collector.collect()`; may run beside all of these |
 *
 * `release` without a root (an aborted upload) leaves the blocks to the next collection.
 */

/** A pin of the node. `depth` -1: the whole DAG; 0: the block alone (direct); n > 0: n levels of links. `since`: Unix ms. */
export interface Root { cid: CID, mode: 'recursive' | 'direct', depth: number, since: number }

/**
 * The roots of the embedded node, in a datastore. v0 and v1 CIDs of one block are two roots, as in Kubo.
 *
 * - Changes that arrive while a write runs share the next one; the promise resolves when the process may be killed without losing the
 *   change (no fsync).
 * - `get`, `has`, `statusOf` see a change as soon as its promise has resolved. `count` too; it is stored, not counted at start.
 * - Adding what is there replaces it (the caller decides on upgrades); removing what isn't there is fine and resolves to false.
 * - `mode` follows from `depth`.
 */
export interface RootTable extends Startable {
  /** `since` is the clock's now. */
  add (root: { cid: CID, depth: number }): Promise<void>
  /**
   * The same for a root that may be made again: it is there for who reads when the call returns, and written with others 20 ms later, so
   * a killed process may forget it. Gives a promise where it has to wait: the disk takes nothing, or is slow.
   */
  addSoon (root: { cid: CID, depth: number }): Promise<void> | undefined
  /** True when there was such a root. */
  remove (cid: CID): Promise<boolean>
  get (cid: CID): Root | undefined
  has (cid: CID): boolean
  /** The same, and true while a change of it is on its way. */
  mayHave (cid: CID): boolean
  /** `recursive`, `direct` or `unpinned`: never `indirect`. */
  statusOf (cid: CID): IpfsPinStatus
  /** The same for many at once, at a third of the price: in order of the CIDs. */
  statusesOf (cids: readonly CID[]): Promise<IpfsPinStatus[]>
  /** For who asks for many. To be closed. */
  cursor (): RootCursor
  count (): number
  /** All roots in batches, from a snapshot that is taken at the first `next`. */
  list (options?: { signal?: AbortSignal }): AsyncIterable<Root[]>
}

/**
 * Statuses of many roots: at least all that were there when it was made, some of those that came since. A row that is passed costs a tenth
 * of a look-up: CIDs of version 1 are looked for in the order of their texts, everything else is looked up.
 */
export interface RootCursor {
  /** In order of the CIDs, given as `cidText` prints them. One call at a time. */
  statusesOf (cids: readonly string[]): Promise<IpfsPinStatus[]>
  close (): Promise<void>
}

/** Keeps blocks of one running add or pin from being collected. */
export interface Guard {
  /**
   * From the call on, no collection takes these blocks until `release` (and one that runs meanwhile won't, even after `release`). Resolves
   * when deletions of them that were already on their way are done, so that a look-up afterwards tells the truth: protect first, then look
   * or put.
   */
  protect (cids: readonly CID[]): Promise<void>
  /** The operation is over. Idempotent. */
  release (): void
}

/** Who is protected from a garbage collection. One per node. */
export interface Protection {
  guard (): Guard
  /** Whether a collection runs. */
  readonly isCollecting: boolean
}

/** Blocks received lately; a collection keeps them for `keepMs` (an hour). In a datastore, one record per call. Survives a restart. */
export interface RecentBlocks {
  note (cids: readonly CID[]): Promise<void>
}

export type CollectOptions = CollectionOptions

/** Removes blocks that nothing needs. */
export interface GarbageCollector {
  /**
   * Marks what roots, guards and recent blocks need, and of what is wanted what is whole here; then deletes the rest and yields what went:
   * v1 raw CIDs of the multihashes, as Kubo does.
   * When a root's DAG can't be read whole, yields `{ key: the block, error }` for each such block and deletes nothing, as Kubo does.
   * One collection at a time: a second one waits for the first. Stopping to iterate, or the signal, ends it cleanly between two deletions.
   */
  collect (options?: CollectOptions): AsyncIterable<RemovedKey>
}

/** How much room the node has. */
export interface RepoSpace {
  stat (): Promise<RepoStat>
  /** Throws STORAGE_FULL when `bytes` more don't fit in storage_max or on the disk. Cheap enough for every batch. */
  ensureRoom (bytes: number): Promise<void>
}

/** A set of blocks (by multihash) whose memory is bounded: above a budget it goes on in a folder. */
export interface BlockSet {
  /** Adds; true when it wasn't there. */
  add (multihash: Uint8Array, kind?: number): boolean
  has (multihash: Uint8Array, kind?: number): boolean
  /** Resolves when there is room in memory again. Await between some thousand `add`s. */
  room (): Promise<void>
  close (): Promise<void>
}

/**
 * Records last in, first out, in bounded memory: above a budget they go on in a file. One call at a time; `push` only when none is under
 * way.
 */
export interface ByteStack {
  isEmpty (): boolean
  push (record: Uint8Array): void
  /** Resolves to the record that was pushed last. */
  pop (): Promise<Uint8Array | undefined>
  /** Resolves when memory is within its budget again. Await between pushes. */
  room (): Promise<void>
  close (): Promise<void>
}

/** Where one walk keeps what doesn't fit into memory. Who asks for one closes it. */
export interface WalkScratch {
  blocks (): BlockSet
  stack (): ByteStack
  /** What the waiting links of one walk may take at this moment. Bytes. */
  pendingBytes (): number
}

/** How far a walk goes, and where it gets blocks from. */
export interface WalkOptions {
  /** -1: everything; 0: the root alone; n: n levels of links. */
  depth: number
  /**
   * The block. `undefined` says "it is there and I don't care for its links" (a leaf: `isLeaf(cid)`). Rejections end the walk.
   * Called once per block (per remaining depth where depth > 0), with up to `concurrency` calls at a time. Not called for identity CIDs.
   */
  get: (cid: CID) => Promise<Uint8Array | undefined>
  /** Calls of `get` at a time; 32 to 128. Default 32. */
  concurrency?: number
  /** A block that `get` gave before, once more, because its turn comes long after and it had to leave memory. Default: `get`. */
  getAgain?: (cid: CID) => Promise<Uint8Array | undefined>
  /** Each block is protected before `get` is called for it. */
  guard?: Pick<Guard, 'protect'>
  /** Called after each `get`; `bytes` undefined when `get` gave none. */
  onBlock?: (cid: CID, bytes: Uint8Array | undefined) => void
  /** Where seen blocks are remembered, by callers that walk several roots as one. Default: a set of `scratch`. */
  seen?: BlockSet
  /** Default: memory, without limit. */
  scratch?: WalkScratch
  signal?: AbortSignal
}
