import type { Startable } from '../../base/lifecycle.ts'

/** What lies in the staging area. `changedAt`: Unix milliseconds, of the last change. `isOpen`: made by `append`, not by `put`. */
export interface StagedObject { key: string, sizeBytes: number, changedAt: number, isOpen: boolean }

export interface StagingOptions { signal?: AbortSignal }

/** Which part of what is staged, in bytes. */
export interface StagedRange extends StagingOptions {
  /** First byte; default 0. */
  offset?: number
  /** Bytes at most; default: to the end. Beyond the end there is nothing, and no error. */
  length?: number
}

export interface AppendOptions extends StagingOptions {
  /**
   * Told while the source is read, that so many bytes of the object survive a crash from now on; awaited. When it rejects, so does
   * `append`, and what was told before stays.
   */
  onDurable?: (offset: number) => Promise<void>
}

/** Where objects are. Peers that say the same `id` see the same objects. `name` is for people. */
export interface StagingPlace { id: string, name: string }

/** 1 to 128 of `A–Z a–z 0–9 _ -`. */
export const stagingKey = /^[A-Za-z0-9_-]{1,128}$/

/**
 * Where uploads lie until they are pinned, or for as long as nobody asks for them. Keys are made by the callers, once each and unguessable,
 * see `stagingKey`: other texts are INVALID_ARGUMENT.
 *
 * - What `put` made never changes. It is durable once `put` resolves, and nothing of it is there when that rejects. After a crash in
 *   between, nothing of it can be seen; what is left of it goes with the next `start`, or with `remove`.
 * - An object that `append` makes grows: it is durable up to the last offset that `onDurable` or the answer told, and can be read that far.
 *   Who appends keeps that offset.
 * - Memory doesn't grow with the size of an object; sources are read no faster than they are written.
 * - One `append` per key at a time (CONFLICT, as far as this process knows). Reads beside it are fine.
 * - `start` succeeds while a server is away: it comes back by itself.
 *
 * Errors: NOT_FOUND; NOT_READY when the storage is away; STORAGE_FULL; INVALID_DATA when the storage has not what it was given; what a
 * source throws, as it is.
 * Signals are looked at between pieces: whoever aborts also ends the source.
 */
export interface Staging extends Startable {
  /** After `start`: NOT_READY before. */
  readonly place: StagingPlace
  /** Gives how many bytes the source had. */
  put (key: string, source: AsyncIterable<Uint8Array>, options?: StagingOptions): Promise<{ sizeBytes: number }>
  /**
   * Writes the source's bytes from `offset` on, which is 0, or an offset that was told to be durable for this key; what an earlier append
   * had beyond it goes. Resolves with the new size. When the source throws, what it gave before is made durable and told (`onDurable`),
   * then `append` rejects with what it threw.
   */
  append (key: string, offset: number, source: AsyncIterable<Uint8Array>, options?: AppendOptions): Promise<number>
  /** NOT_FOUND before the first bytes. Bytes are the reader's own. */
  read (key: string, range?: StagedRange): AsyncIterable<Uint8Array>
  /** Bytes that can be read; null: there is no such object. */
  size (key: string): Promise<number | null>
  /** Idempotent. */
  remove (key: string): Promise<void>
  /** All objects that were there when it began and still are, in no order. For the reconciliation. */
  keys (options?: StagingOptions): AsyncIterable<StagedObject>
}
