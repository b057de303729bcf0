import type { Datastore, KeyRange, ListOptions, Write, WriteOptions } from '../../datastore/datastore.ts'
import { isLookedFor, isValueRecord, lookedForRanges } from './layout.ts'
import { WrittenKeys } from './written-keys.ts'

/** Larger records are looked up each time. */
const largestBytes = 2048
const mostRecords = 1024
/** Records of larger batches aren't kept: each would make room for the next. */
const largestBatch = 1024

/**
 * The same datastore, with the value records that were read or written last in memory, and those that aren't there: a pin is looked up by
 * whoever makes it, by the merge and by the tracker, and each look into LevelDB costs as much as a step of the pin itself. At most 1024, 2
 * KiB each. Of a store that was empty at the start it is remembered which records may be there at all: most that are looked for aren't.
 * Whoever writes must do so through it, and `forget` when the datastore stops.
 */
export class CachedValues implements Datastore {
  readonly name: string
  readonly #datastore: Datastore
  readonly #known = new Map<string, Uint8Array | undefined>()
  /** Records that are being written, and how often: what is read of them meanwhile may be the one or the other. */
  readonly #writing = new Map<string, number>()
  /** Large batches that are being written. */
  #largeWrites = 0
  /** Of the records that are looked for most, those that may be there. Undefined: any may. */
  #written: WrittenKeys | undefined

  constructor (datastore: Datastore) {
    this.name = datastore.name
    this.#datastore = datastore
  }

  forget (): void {
    this.#known.clear()
    this.#written = undefined
  }

  /** To be called before the first write: remembers from now on what is written, if nothing is there yet. */
  async begin (): Promise<void> {
    this.#written = undefined
    for (const range of lookedForRanges) for await (const keys of this.#datastore.keys(range)) if (keys.length > 0) return
    this.#written = new WrittenKeys()
  }

  get (key: string): Uint8Array | undefined {
    if (this.#isAbsent(key)) return undefined
    if (!isValueRecord(key)) return this.#datastore.get(key)
    const known = this.#known.get(key)
    if (known != null || this.#known.has(key)) return known
    const value = this.#datastore.get(key)
    if (!this.#isBeingWritten(key)) this.#keep(key, value)
    return value
  }

  async write (batch: readonly Write[], options?: WriteOptions): Promise<void> {
    this.#note(batch)
    if (batch.length > largestBatch) return this.#writeLarge(batch, options)
    const values = batch.filter(({ key }) => isValueRecord(key))
    for (const { key } of values) this.#count(key, 1)
    try {
      await this.#datastore.write(batch, options)
    } finally {
      for (const { key } of values) this.#count(key, -1)
    }
    for (const { key, value } of values) if (!this.#isBeingWritten(key)) this.#keep(key, value)
  }

  /** Nothing is kept meanwhile: what is read or written beside it may be the one or the other. */
  async #writeLarge (batch: readonly Write[], options?: WriteOptions): Promise<void> {
    this.#known.clear()
    this.#largeWrites++
    try {
      await this.#datastore.write(batch, options)
    } finally {
      this.#largeWrites--
    }
  }

  async start (signal: AbortSignal): Promise<void> { await this.#datastore.start(signal) }
  async stop (): Promise<void> { await this.#datastore.stop() }
  has (key: string): boolean { return !this.#isAbsent(key) && this.#datastore.has(key) }
  async getMany (keys: readonly string[]): Promise<Array<Uint8Array | undefined>> { return this.#datastore.getMany(keys) }
  entries (
    range: KeyRange, options?: ListOptions
  ): AsyncIterable<Array<[string, Uint8Array]>> { return this.#datastore.entries(range, options) }
  texts (
    range: KeyRange, options?: ListOptions
  ): AsyncIterable<Array<[string, string]>> { return this.#datastore.texts(range, options) }
  keys (range: KeyRange, options?: ListOptions): AsyncIterable<string[]> { return this.#datastore.keys(range, options) }
  values (range: KeyRange, options?: ListOptions): AsyncIterable<Uint8Array[]> { return this.#datastore.values(range, options) }

  #isBeingWritten (key: string): boolean { return this.#largeWrites > 0 || this.#writing.has(key) }

  #isAbsent (key: string): boolean { return this.#written != null && isLookedFor(key) && !this.#written.mayHave(key) }

  #note (batch: readonly Write[]): void {
    if (this.#written == null) return
    for (const { key, value } of batch) if (value !== undefined && isLookedFor(key)) this.#written.add(key)
    if (this.#written.isFull) this.#written = undefined
  }

  #keep (key: string, value: Uint8Array | undefined): void {
    if (this.#known.size >= mostRecords) this.#known.clear()
    if (value == null || value.length <= largestBytes) this.#known.set(key, value)
  }

  #count (key: string, by: number): void {
    const left = (this.#writing.get(key) ?? 0) + by
    this.#known.delete(key)
    if (left === 0) this.#writing.delete(key)
    else this.#writing.set(key, left)
  }
}
