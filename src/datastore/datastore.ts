import type { Startable } from '../base/lifecycle.ts'

/** One change of a batch. `value` undefined deletes the key. */
export interface Write { key: string, value: Uint8Array | undefined }

export interface WriteOptions {
  /** True: the promise resolves when the disk has the batch (fsync). Default false: it survives the process, not the power. */
  sync?: boolean
  /**
   * True for what makes room in the end: removals, and what goes with them. On a full disk it may use the reserve that a store keeps for
   * this; who has none does as without.
   */
  frees?: boolean
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
 * - Lists come in batches (arrays of some hundred to thousand rows) of a snapshot taken at the first `next`; memory doesn't grow with the
 *   range.
 * - Values that are handed out belong to the caller; values that are handed in must not be changed afterwards.
 * - Before `start` and after `stop` every method throws NOT_READY.
 * - What was damaged on the disk isn't passed over: `start` makes a new store of what is left, keeps the damaged files aside and leaves a
 *   `DamageReport` in the row `damageRow`, which the owner of the data deletes when it has dealt with it. A store that finds damage while
 *   it runs throws INVALID_DATA.
 */
export interface Datastore extends Startable {
  /** Undefined: the key isn't there. */
  get (key: string): Uint8Array | undefined
  /** Without reading the value. */
  has (key: string): boolean
  /** In the order of the keys, from one snapshot. */
  getMany (keys: readonly string[]): Promise<Array<Uint8Array | undefined>>
  /** Rejects with STORAGE_FULL, and then nothing of the batch was written. */
  write (batch: readonly Write[], options?: WriteOptions): Promise<void>
  /** Rows of the range. */
  entries (range: KeyRange, options?: ListOptions): AsyncIterable<Array<[key: string, value: Uint8Array]>>
  /** The same with values as text, for those that are UTF-8: a text costs half as much as bytes do. */
  texts (range: KeyRange, options?: ListOptions): AsyncIterable<Array<[key: string, value: string]>>
  /** Keys of the range alone: LevelDB still reads the values. */
  keys (range: KeyRange, options?: ListOptions): AsyncIterable<string[]>
  /** Values of the range alone. */
  values (range: KeyRange, options?: ListOptions): AsyncIterable<Uint8Array[]>
}

/** Holds a `DamageReport` as JSON after a start that found the store damaged. */
export const damageRow = '!damage'

/** What a start found, and what it did. */
export interface DamageReport {
  /** ISO 8601. */
  at: string
  /** The store, and where its damaged files are now. */
  folder: string
  keptAt: string
  /** What was wrong, in words for people. */
  what: string
  /** Rows that could be read, and such that could but aren't to be trusted. */
  rows: number
  doubtful: number
}

/** The report of a damaged store that nobody has dealt with yet. */
export function damageOf (datastore: Pick<Datastore, 'get'>): DamageReport | undefined {
  const row = datastore.get(damageRow)
  return row == null ? undefined : JSON.parse(new TextDecoder().decode(row)) as DamageReport
}

/** All keys that begin with `prefix` (ASCII). */
export function withPrefix (prefix: string): KeyRange {
  const last = prefix.charCodeAt(prefix.length - 1)
  return { from: prefix, before: prefix.slice(0, -1) + String.fromCharCode(last + 1) }
}
