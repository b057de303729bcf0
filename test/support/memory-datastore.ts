import { ClusterError } from '../../src/base/errors.ts'
import type { Datastore, KeyRange, ListOptions, Write, WriteOptions } from '../../src/datastore/datastore.ts'
import { SortedMap } from './sorted-map.ts'

const rowsPerBatch = 1000

/** What stands behind a memory datastore's writes. The simulated disk of the tests puts its crashes here. */
export interface MemoryMedium {
  /** The rows that reads see. Asked for at every call. */
  rows (): SortedMap<Uint8Array>
  /** Applies a batch to `rows()` and resolves when it counts as written. Batches are applied in the order of the calls. */
  write (batch: readonly Write[], options: WriteOptions): Promise<void>
}

/** A `Datastore` in memory: for tests and for looking at data. Its content outlives `stop`, not the process. */
export function memoryDatastore (medium: MemoryMedium = plainMedium()): Datastore {
  return new MemoryDatastore(medium)
}

/** Applies batches at once. */
function plainMedium (): MemoryMedium {
  const rows = new SortedMap<Uint8Array>()
  return {
    rows: () => rows,
    write: async batch => applyBatch(rows, batch)
  }
}

export function applyBatch (rows: SortedMap<Uint8Array>, batch: readonly Write[]): void {
  for (const { key, value } of batch) {
    if (value === undefined) rows.delete(key)
    else rows.set(key, value)
  }
}

class MemoryDatastore implements Datastore {
  readonly name = 'datastore'
  readonly #medium: MemoryMedium
  #started = false

  constructor (medium: MemoryMedium) { this.#medium = medium }

  async start (): Promise<void> { this.#started = true }
  async stop (): Promise<void> { this.#started = false }

  get (key: string): Uint8Array | undefined {
    const value = this.#rows().get(key)
    return value === undefined ? undefined : Uint8Array.from(value)
  }

  has (key: string): boolean { return this.#rows().get(key) !== undefined }

  async getMany (keys: readonly string[]): Promise<Array<Uint8Array | undefined>> { return keys.map(key => this.get(key)) }

  async write (batch: readonly Write[], options: WriteOptions = {}): Promise<void> {
    this.#rows()
    await this.#medium.write(
      batch.map(({ key, value }) => ({ key, value: value === undefined ? undefined : Uint8Array.from(value) })), options
    )
  }

  async * entries (range: KeyRange, options: ListOptions = {}): AsyncIterable<Array<[string, Uint8Array]>> {
    yield * this.#batches(range, options, ([key, value]) => [key, Uint8Array.from(value)])
  }

  async * texts (range: KeyRange, options: ListOptions = {}): AsyncIterable<Array<[string, string]>> {
    yield * this.#batches(range, options, ([key, value]) => [key, Buffer.from(value).toString()])
  }

  async * keys (range: KeyRange, options: ListOptions = {}): AsyncIterable<string[]> {
    yield * this.#batches(range, options, ([key]) => key)
  }

  async * values (range: KeyRange, options: ListOptions = {}): AsyncIterable<Uint8Array[]> {
    yield * this.#batches(range, options, ([, value]) => Uint8Array.from(value))
  }

  async * #batches<Row> (
    { from, before }: KeyRange, { signal }: ListOptions, shape: (row: [string, Uint8Array]) => Row
  ): AsyncGenerator<Row[]> {
    signal?.throwIfAborted()
    const rows = this.#rows().rows(from, before)
    for (let at = 0; at < rows.length; at += rowsPerBatch) {
      signal?.throwIfAborted()
      this.#rows()
      yield rows.slice(at, at + rowsPerBatch).map(shape)
    }
  }

  #rows (): SortedMap<Uint8Array> {
    if (!this.#started) throw new ClusterError('NOT_READY', { component: this.name })
    return this.#medium.rows()
  }
}
