import { ClusterError } from '../../src/base/errors.ts'
import { applyBatch, memoryDatastore } from './memory-datastore.ts'
import { SortedMap } from './sorted-map.ts'
import type { Datastore, Write, WriteOptions } from '../../src/datastore/datastore.ts'

/** What happens to the batch at which the power goes. */
export type LastBatch = 'lost' | 'kept'

export interface SimDiskInit {
  /** How long a batch takes, in whatever time the test has. Batches are written one after the other. Default: none at all. */
  delay?: (sync: boolean) => Promise<void>
}

/**
 * A disk in memory that forgets what wasn't synced when the power goes. Deterministic, without real I/O. A sync makes every earlier batch
 * durable too, as LevelDB's log does.
 */
export class SimDisk {
  readonly #delay: SimDiskInit['delay']
  #queue: Promise<void> = Promise.resolve()
  /** Handed in and not yet written. */
  #inFlight: Array<readonly Write[]> = []
  #durable = new SortedMap<Uint8Array>()
  #live = new SortedMap<Uint8Array>()
  #unsynced: Array<readonly Write[]> = []
  #generation = 0
  #failure: { atWrite: number, last: LastBatch } | undefined
  #writes = 0
  #full = false

  constructor ({ delay }: SimDiskInit = {}) { this.#delay = delay }

  /** Batches written since the disk was made. */
  get writes (): number { return this.#writes }

  /** True after the power went at `crashAtWrite`, until the next `datastore`. */
  dead = false

  /** The disk with what survived. Handles from before a crash are dead. */
  datastore (): Datastore {
    this.dead = false
    return this.view()
  }

  /** The same disk once more, for a test that looks at it. */
  view (): Datastore {
    const generation = this.#generation
    return memoryDatastore({
      rows: () => this.#live,
      write: async (batch, options) => {
        // a process that has lost its disk never hears from it again
        if (generation !== this.#generation) return new Promise(() => {})
        if (this.#delay != null) {
          this.#inFlight.push(batch)
          await this.#inTurn(async () => this.#delay?.(options.sync === true))
          if (generation !== this.#generation) return new Promise(() => {})
          this.#inFlight.shift()
        }
        await this.#write(batch, options)
      }
    })
  }

  /** While true, writes are refused with STORAGE_FULL. */
  set full (full: boolean) { this.#full = full }

  /**
   * The power goes at the write with this number (1: the next one since the disk was made): it is lost or just kept, and never answered.
   */
  crashAtWrite (atWrite: number, last: LastBatch): void { this.#failure = { atWrite, last } }

  /** The power goes now: batches that are un-synced or on their way are lost except the first `keep`. */
  crash (keep = 0): void {
    for (const batch of [...this.#unsynced, ...this.#inFlight].slice(0, keep)) applyBatch(this.#durable, batch)
    this.#unsynced = []
    this.#inFlight = []
    this.#live = this.#durable.copy()
    this.#generation++
    this.#queue = Promise.resolve()
    this.#failure = undefined
    this.dead = true
  }

  /** Whether the row survives a crash. */
  has (key: string): boolean { return this.#durable.get(key) != null }

  /** The disk loses rows while nobody has it open; what it says of that is up to the caller. `lost`: whether this row is. */
  rot (lost: (key: string) => boolean, report: readonly Write[]): number {
    const gone = this.#durable.rows('', '~').filter(([key]) => lost(key))
    applyBatch(this.#durable, [...gone.map(([key]) => ({ key, value: undefined })), ...report])
    this.#live = this.#durable.copy()
    this.#unsynced = []
    return gone.length
  }

  #inTurn (wait: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(wait)
    return this.#queue
  }

  async #write (batch: readonly Write[], { sync = false }: WriteOptions): Promise<void> {
    if (this.#full) throw new ClusterError('STORAGE_FULL')
    this.#writes++
    if (this.#failure != null && this.#writes >= this.#failure.atWrite) return this.#fail(batch, this.#failure.last)
    applyBatch(this.#live, batch)
    this.#unsynced.push(batch)
    if (!sync) return
    for (const synced of this.#unsynced.splice(0)) applyBatch(this.#durable, synced)
  }

  #fail (batch: readonly Write[], last: LastBatch): Promise<void> {
    if (last === 'kept') this.#unsynced.push(batch)
    this.crash(last === 'kept' ? this.#unsynced.length : 0)
    return new Promise(() => {})
  }
}
