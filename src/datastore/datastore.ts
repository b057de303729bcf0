import type { Startable } from '../base/lifecycle.ts'

/** One change of a batch. `value` undefined deletes the key. */
export interface Write { key: string, value: Uint8Array | undefined }

export interface WriteOptions {
  /** True: the promise resolves when the disk has the batch (fsync). Default false: it survives the process, not the power. */
  sync?: boolean
}

/** Keys between `from` (inclusive) and `before` (exclusive), in byte order of their UTF-8. */
export interface KeyRange { from: string, before: string }

export interface ListOptions { signal?: AbortSignal }

/**
 * An ordered key-value store for one kind of data of one peer. Keys are ASCII text, values bytes.
 *
 * - `write` is atomic: after a crash all or none of a batch is there. Batches apply in the order of the calls.
 * - A read sees every batch whose promise has resolved.
 * - `get` is synchronous on purpose: an awaited single get costs ten times as much as the read (docs/design/storage.md).
 * - Lists come in batches (arrays of some hundred to thousand rows) of a snapshot taken at the first `next`; memory doesn't grow with the range.
 * - Values that are handed out belong to the caller; values that are handed in must not be changed afterwards.
 * - Before `start` and after `stop` every method throws NOT_READY. Damaged files throw INVALID_DATA naming the folder.
 */
export interface Datastore extends Startable {
  get (key: string): Uint8Array | undefined
  has (key: string): boolean
  getMany (keys: readonly string[]): Promise<Array<Uint8Array | undefined>>
  write (batch: readonly Write[], options?: WriteOptions): Promise<void>
  /** Rows of the range. */
  entries (range: KeyRange, options?: ListOptions): AsyncIterable<Array<[key: string, value: Uint8Array]>>
  keys (range: KeyRange, options?: ListOptions): AsyncIterable<string[]>
  values (range: KeyRange, options?: ListOptions): AsyncIterable<Uint8Array[]>
}

/** All keys that begin with `prefix` (ASCII). */
export function withPrefix (prefix: string): KeyRange {
  const last = prefix.charCodeAt(prefix.length - 1)
  return { from: prefix, before: prefix.slice(0, -1) + String.fromCharCode(last + 1) }
}
