import { rm, writeFile } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { ClusterError } from '../base/errors.ts'
import { always, lastingRows } from '../leveldb/lasting-rows.ts'
import { openError, writeError } from './level-errors.ts'

export interface SelfRepairingLevelInit {
  folder: string
  /** LevelDB's write buffer; up to two are held in memory. */
  writeBufferBytes: number
  cacheBytes: number
  /** What a person can do when the folder is damaged; part of the message. */
  remedy: string
}

/** From a key on, up to one (or the end) that doesn't belong to it. */
export interface LevelRange { gte: Uint8Array, lt?: Uint8Array }

const rowsPerBatch = 1000
const rangeBehind = ({ gte, ...end }: LevelRange, behind: Uint8Array | undefined): { gt?: Uint8Array, gte?: Uint8Array, lt?: Uint8Array } =>
  behind == null ? { gte, ...end } : { gt: behind, ...end }

/** A row of a batch. */
export type LevelRow = { type: 'put', key: Uint8Array, value: Uint8Array } | { type: 'del', key: Uint8Array }

/** LevelDB with binary keys and values that goes on working after the disk was full. Batches must come one after the other. */
export class SelfRepairingLevel {
  readonly #init: SelfRepairingLevelInit
  // Made by `open`: a ClassicLevel opens itself in the turn it is made.
  #db: ClassicLevel<Uint8Array, Uint8Array> | undefined
  #broken = false
  #openings = 0
  #repairing: Promise<void> | undefined

  constructor (init: SelfRepairingLevelInit) { this.#init = init }

  /** For reads. Don't keep it. Throws NOT_READY before `open`. */
  get db (): ClassicLevel<Uint8Array, Uint8Array> {
    if (this.#db == null) throw new ClusterError('NOT_READY', { folder: this.#init.folder })
    return this.#db
  }

  /** Throws LOCKED, INVALID_DATA or STORAGE_FULL, naming the folder. */
  async open (): Promise<void> {
    const { folder, remedy } = this.#init
    this.#db = this.#make()
    this.#openings++
    await this.#db.open().catch(err => { throw openError(err, { folder, remedy }) })
  }

  async close (): Promise<void> { await this.#db?.close() }

  /** Keys in batches of 1000, from a snapshot; from a second one when the database is repaired meanwhile. */
  keys (range: LevelRange): AsyncGenerator<Uint8Array[]> {
    return lastingRows<Uint8Array, Uint8Array>({
      sizes: always(rowsPerBatch),
      keyOf: key => key,
      list: behind => this.db.keys({ ...rangeBehind(range, behind), fillCache: false }),
      openings: () => this.#openings,
      reopened: async () => this.#repaired()
    })
  }

  /** As `keys`, with the values. */
  entries (range: LevelRange): AsyncGenerator<Array<[Uint8Array, Uint8Array]>> {
    return lastingRows<Uint8Array, [Uint8Array, Uint8Array]>({
      sizes: always(rowsPerBatch),
      keyOf: ([key]) => key,
      list: behind => this.db.iterator({ ...rangeBehind(range, behind), fillCache: false }),
      openings: () => this.#openings,
      reopened: async () => this.#repaired()
    })
  }

  /** What goes wrong is told to who writes. */
  async #repaired (): Promise<void> { await this.#repairing?.catch(() => {}) }

  /** Empties LevelDB's log into a table, so that the next opening needn't read it. */
  async settle (): Promise<void> {
    if (!this.#broken) await this.db.compactRange(Uint8Array.of(0), Uint8Array.of(0))
  }

  /** Atomic. Throws STORAGE_FULL, and then nothing of it is there. */
  async batch (rows: LevelRow[], options: { sync?: boolean } = {}): Promise<void> {
    if (this.#broken) {
      this.#repairing = this.#repair().finally(() => { this.#repairing = undefined })
      await this.#repairing
    }
    try {
      await this.db.batch(rows, options)
    } catch (err) {
      this.#broken = true
      throw writeError(err, this.#init.folder)
    }
  }

  /**
   * After a failed write LevelDB's log may be torn and must not be appended to; opening it again starts a new one. Opening needs room, and
   * a failed opening would end the reads too, so a trial file comes first. Look-ups throw for the milliseconds between close and open.
   */
  async #repair (): Promise<void> {
    const trial = `${this.#init.folder}.trial`
    await writeFile(trial, Buffer.alloc(this.#init.writeBufferBytes)).catch(err => { throw writeError(err, this.#init.folder) })
      .finally(async () => rm(trial, { force: true }))
    await this.close()
    await this.open()
    this.#broken = false
  }

  #make (): ClassicLevel<Uint8Array, Uint8Array> {
    return new ClassicLevel<Uint8Array, Uint8Array>(this.#init.folder, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      // Digests and most blocks don't compress.
      compression: false,
      writeBufferSize: this.#init.writeBufferBytes,
      cacheSize: this.#init.cacheBytes,
      maxFileSize: 8 * 1024 * 1024
    })
  }
}
