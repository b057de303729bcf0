import type { CID } from 'multiformats/cid'
import type { Startable } from '../base/lifecycle.ts'
import type { PeerId } from '../model/cid.ts'
import type { Pin } from '../model/pin.ts'

export interface StateListOptions { signal?: AbortSignal }

export interface PinsOptions extends StateListOptions {
  /** Rather no list than one that lacks something: for who removes what isn't in it. */
  whole?: boolean
}

/**
 * The pinset as this peer knows it. Reads see every write that this peer acknowledged and everything merged from others. Nothing here keeps
 * the pinset in memory: lists stream from the disk in batches, over a snapshot, in key order.
 */
export interface PinState {
  /** Throws INVALID_DATA for what the disk has and nobody can read. */
  get (cid: CID): Pin | undefined
  /** True also for what can't be read. */
  has (cid: CID): boolean
  /**
   * True when the pinset remembers that the item was unpinned (it may be pinned again). False for what it has never heard of: all of it,
   * once it was removed.
   */
  wasUnpinned (cid: CID): Promise<boolean>
  /** What can't be read is left out, and `progress` says `damaged` then; with `whole` the list throws INVALID_DATA instead. */
  pins (options?: PinsOptions): AsyncIterable<Pin[]>
  /**
   * The whole pinset as JSON text, one line per pin exactly as `pinText(pin)` prints it, in chunks of about 64 KiB that end with a
   * newline. Encoded when the pin was written, so a list costs little more than reading it.
   */
  jsonLines (options?: StateListOptions): AsyncIterable<Uint8Array>
  /** The same, a text for each pin, in batches. */
  lines (options?: StateListOptions): AsyncIterable<string[]>
  /** Number of pins; kept up to date, not counted. */
  size (): number
}

/** A change of the pinset that this peer has stored, by whomever it was made. `pin` undefined: the item is gone. */
export interface PinsetChange { cid: CID, pin: Pin | undefined }

/**
 * Keeps the pinset equal on all peers.
 *
 * - `put`, `remove`, `replaceIf` and `removeIf` resolve when the disk has the change (it survives kill -9 and power loss) and `state` shows
 *   it; then it is announced. Several calls at once share one commit. They reject with PIN_TOO_LARGE (a pin above 256 KiB), QUEUE_FULL,
 *   STORAGE_FULL or NOT_READY, and then nothing was changed. An abort can't take back what is already being committed.
 * - For read-modify-write: await `whenWritten(cid)`, then read and write in the same tick. Otherwise the write may undo one that was
 *   acknowledged meanwhile.
 * - `drain` (first phase of a stop) takes no more changes, from here or from others, and finishes those under way: who follows the pinset
 *   and stops after it misses nothing.
 * - `onChange` listeners are called synchronously after each stored change, before the call resolves, in the order of the changes. What
 *   happened before `start` is read from `state`.
 */
export interface Consensus extends Startable {
  readonly state: PinState
  /** Adds the item, or replaces it whatever it is. */
  put (pin: Pin): Promise<void>
  /** Removing what isn't there resolves and does nothing. */
  remove (cid: CID): Promise<void>
  /**
   * Compare and set: `put`, if the item still is the pin `expected` when this change is made. What others changed meanwhile must not be
   * undone by who didn't know of it. With batching, one that waits for its block still gives way to what is merged until then. Resolves
   * with whether it was done; false also when another change of the item overtakes it, or is under way already.
   */
  replaceIf (expected: Pin, pin: Pin): Promise<boolean>
  /** Compare and delete: `remove`, under the conditions of `replaceIf`. Resolves with false for an item that is gone already. */
  removeIf (expected: Pin): Promise<boolean>
  /** Resolves when no change of this item that was asked of this peer is on its way; `state` has them all then. Never rejects. */
  whenWritten (cid: CID): Promise<void>
  /**
   * Resolves when the disk has all that `state` shows: changes of others are merged without a sync. Rejects as `put` does when it can't be
   * written.
   */
  durable (): Promise<void>
  /** See above. */
  drain (): Promise<void>
  /** The returned function removes the listener. */
  onChange (listener: (changes: readonly PinsetChange[]) => void): () => void
  /** Whether that peer's changes and calls are accepted. This peer trusts itself. */
  trusts (peer: PeerId): boolean
  /**
   * How far this peer is: for /health, metrics and `state crdt info`. `behind`: an announced branch isn't merged yet. `damaged`: its disk
   * was, and that everything is back hasn't been seen yet.
   */
  progress (): { heads: CID[], height: number, dirty: boolean, behind: boolean, damaged?: boolean }
  /** Why no pin can be written now: a full disk, one that takes nothing; '' when they can. Never rejects. */
  whyReadOnly (): Promise<string>
}
