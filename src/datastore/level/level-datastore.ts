import { ClassicLevel } from 'classic-level'
import type { Clock } from '../../base/clock.ts'
import { noReserve } from '../../base/disk-reserve.ts'
import type { DiskReserve } from '../../base/disk-reserve.ts'
import { ClusterError, isClusterError, messageOf } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { freshStore } from '../../leveldb/fresh-store.ts'
import { GuardedFiles } from '../../leveldb/guarded-files.ts'
import type { Damage, ListLocks } from '../../leveldb/guarded-files.ts'
import type { Rescued } from '../../leveldb/rescue.ts'
import { rescue } from '../../leveldb/rescue.ts'
import type { FoundRow } from '../../leveldb/store-files.ts'
import { always, lastingRows } from '../../leveldb/lasting-rows.ts'
import type { LastingRowsInit } from '../../leveldb/lasting-rows.ts'
import { WriteQueue } from './write-queue.ts'
import type { Level } from './write-queue.ts'
import { damageRow } from '../datastore.ts'
import type { Datastore, KeyRange, ListOptions, Write, WriteOptions, DamageReport } from '../datastore.ts'

export interface LevelDatastoreInit {
  /** Where the files are; made when missing. One process at a time may open it (LOCKED otherwise). */
  folder: string
  /**
   * How much is gathered in memory before it becomes a sorted file. 64 MiB writes four times as fast as LevelDB's default. Counts twice
   * while it is flushed.
   */
  writeBufferBytes: number
  /** Cache of uncompressed blocks for reads. */
  cacheBytes: number
  /** Tables up to so many bytes are checked before the store is opened, larger ones meanwhile. Default 4 MiB. */
  readAtOnce?: number
  /** Thrown away after use: nothing is kept beside it that would tell of damage later. */
  temporary?: boolean
}

export interface LevelDatastoreDeps {
  log: Logger
  /** Dates the folder of damaged files; a check of large ones waits. */
  clock: Pick<Clock, 'now' | 'sleep'>
  /** True for a row out of damaged bytes that is right all the same, by its own content. */
  proven? (key: string, value: Uint8Array): boolean
  /** Damage was found while the store is in use; a new start deals with it. */
  damaged? (err: ClusterError): void
  /** See ListLocks. */
  locks?: ListLocks | undefined
  /** Given up for batches that free room. Default: none. */
  reserve?: Pick<DiskReserve, 'giveUp'>
}

/** Sorts before every key of a user, and no list that begins with a printable character shows it. */
const formatKey = '\u0000format'
const formatVersion = 1
/** With 1000, lists take as long, and leave 30 to 60 MiB more of V8's heap behind: a batch outlives a young collection. */
const rowsPerBatch = 256
/**
 * LevelDB's least: 64 tables, and what else it has open. By itself it maps 1000 tables of 2 MiB into memory, and they count as the process's
 * own as far as they were read: a whole pinset after a list. A read in one that isn't mapped takes 10 to 20 µs more.
 */
const openFiles = 74
const tableBytes = 2 ** 20
/** A log above this is made a table when the store is closed. */
const longLogBytes = 512 * 1024
/** The first batch is small: somebody waits for the first row. */
const rowsInFirstBatch = 64
const bytesPerBatch = 512 * 1024

/** LevelDB's error codes and ours. */
const codes: Record<string, ErrorCode> = {
  LEVEL_CORRUPTION: 'INVALID_DATA',
  LEVEL_LOCKED: 'LOCKED',
  LEVEL_DATABASE_NOT_OPEN: 'NOT_READY',
  LEVEL_ITERATOR_NOT_OPEN: 'NOT_READY'
}

/** A `Datastore` in a LevelDB folder. Needs a local file system. */
export function levelDatastore (init: LevelDatastoreInit, deps: LevelDatastoreDeps): Datastore {
  return new LevelDatastore(init, deps)
}

class LevelDatastore implements Datastore {
  readonly name = 'datastore'
  readonly #init: LevelDatastoreInit
  readonly #deps: LevelDatastoreDeps
  readonly #files: GuardedFiles
  #open: { level: Level, writes: WriteQueue } | undefined

  constructor (init: LevelDatastoreInit, deps: LevelDatastoreDeps) {
    this.#init = init
    this.#deps = deps
    this.#files = datastoreFiles(init, deps)
  }

  async start (): Promise<void> {
    const { folder } = this.#init
    const files = this.#files
    let level: Level | undefined
    try {
      const opened = await files.opened(async () => {
        level = this.#made()
        await level.open()
        return level
      })
      const writes = new WriteQueue(opened, { written: (changes, synced) => files.mark.written(changes, synced) })
      await checkFormat(opened, { folder, writes })
      this.#open = { level: opened, writes }
    } catch (err) {
      await level?.close().catch(() => {})
      files.mark.end()
      throw this.#translated(err)
    }
    files.checkLater()
    this.#deps.log.debug('datastore opened', { folder })
  }

  /** It begins to open by itself. */
  #made (): Level {
    const { folder, writeBufferBytes, cacheBytes } = this.#init
    return new ClassicLevel(folder, {
      keyEncoding: 'utf8', valueEncoding: 'buffer', writeBufferSize: writeBufferBytes, cacheSize: cacheBytes, maxFileSize: tableBytes,
      maxOpenFiles: openFiles
    })
  }

  async stop (): Promise<void> {
    const open = this.#open
    if (open == null) return
    this.#open = undefined
    await this.#files.endCheck()
    await open.writes.drained()
    const isSafe = this.#init.temporary !== true && await this.#madeSafe(open)
    await open.level.close()
    if (isSafe) await this.#files.mark.seal()
    else this.#files.mark.end()
  }

  /** Makes everything safe, and the next start quick: a long log would be read again. False when the disk doesn't take it. */
  async #madeSafe ({ level, writes }: { level: Level, writes: WriteQueue }): Promise<boolean> {
    try {
      await writes.synced()
      if (this.#files.logBytes() > longLogBytes) await level.compactRange('\u0000', '\u0000')
      return true
    } catch {
      return false
    }
  }

  get (key: string): Uint8Array | undefined {
    try { return this.#level().getSync(key) } catch (err) { throw this.#translated(err) }
  }

  has (key: string): boolean { return this.get(key) !== undefined }

  async getMany (keys: readonly string[]): Promise<Array<Uint8Array | undefined>> {
    try { return await this.#level().getMany([...keys]) } catch (err) { throw this.#translated(err) }
  }

  async write (batch: readonly Write[], options: WriteOptions = {}): Promise<void> {
    try {
      await this.#write(batch, options)
    } catch (err) {
      if (options.frees !== true || !isClusterError(err, 'STORAGE_FULL')) throw err
      await (this.#deps.reserve ?? noReserve).giveUp()
      await this.#write(batch, options)
    }
  }

  async #write (batch: readonly Write[], options: WriteOptions): Promise<void> {
    const { writes } = this.#opened()
    try { await writes.add(batch, options.sync === true) } catch (err) { throw this.#translated(err) }
  }

  async * entries (range: KeyRange, options: ListOptions = {}): AsyncIterable<Array<[string, Uint8Array]>> {
    yield * this.#batches<[string, Uint8Array]>(
      { list: behind => this.#level().iterator(levelRange(range, behind)), keyOf: ([key]) => key }, options
    )
  }

  async * texts (range: KeyRange, options: ListOptions = {}): AsyncIterable<Array<[string, string]>> {
    yield * this.#batches<[string, string]>({
      list: behind => this.#level().iterator<string, string>({ ...levelRange(range, behind), valueEncoding: 'utf8' }), keyOf: ([key]) => key
    }, options)
  }

  async * keys (range: KeyRange, options: ListOptions = {}): AsyncIterable<string[]> {
    yield * this.#batches<string>({ list: behind => this.#level().keys(levelRange(range, behind)), keyOf: key => key }, options)
  }

  async * values (range: KeyRange, options: ListOptions = {}): AsyncIterable<Uint8Array[]> {
    for await (const rows of this.entries(range, options)) yield rows.map(([, value]) => value)
  }

  async * #batches<Row> (rows: Pick<LastingRowsInit<string, Row>, 'list' | 'keyOf'>, { signal }: ListOptions): AsyncGenerator<Row[]> {
    signal?.throwIfAborted()
    const { writes } = this.#opened()
    try {
      for await (
        const batch of lastingRows({
          ...rows, sizes: always(rowsPerBatch, rowsInFirstBatch), openings: () => writes.openings, reopened: async () => writes.opened()
        })
      ) {
        signal?.throwIfAborted()
        yield batch
      }
    } catch (err) {
      throw signal?.aborted === true ? signal.reason : this.#translated(err)
    }
  }

  #level (): Level { return this.#opened().level }

  #opened (): { level: Level, writes: WriteQueue } {
    if (this.#open == null) throw new ClusterError('NOT_READY', { component: this.name, folder: this.#init.folder })
    return this.#open
  }

  #translated (err: unknown): unknown {
    if (err instanceof ClusterError || !(err instanceof Error)) return err
    const { folder } = this.#init
    const code = codeOf(err)
    return code == null ? err : new ClusterError(code, { folder }, { cause: err, message: `datastore ${folder}: ${deepestMessage(err)}` })
  }
}

const levelRange = ({ from, before }: KeyRange, behind: string | undefined): {
  gte?: string, gt?: string, lt: string, highWaterMarkBytes: number
} =>
  ({ ...(behind == null ? { gte: from } : { gt: behind }), lt: before, highWaterMarkBytes: bytesPerBatch })

async function checkFormat (level: Level, { folder, writes }: { folder: string, writes: WriteQueue }): Promise<void> {
  const stored = level.getSync(formatKey)
  if (stored === undefined) return writes.add([{ key: formatKey, value: Buffer.from(String(formatVersion)) }], true)
  const version = Number(Buffer.from(stored).toString('latin1'))
  if (version === formatVersion) return
  throw new ClusterError('UNSUPPORTED', { folder, version, supported: formatVersion }, {
    message: `datastore ${folder} has format ${version}, this program knows ${formatVersion}: run a newer helia-cluster, or move the pinset with its` +
      ' `helia-cluster-service state export` and this one\'s `state import` into an empty folder'
  })
}

function codeOf (err: Error): ErrorCode | undefined {
  for (let at: unknown = err; at instanceof Error; at = at.cause) {
    if (/no space left|disk full|quota exceeded/i.test(at.message)) return 'STORAGE_FULL'
    const code = codes[(at as Error & { code?: string }).code ?? '']
    // "not open" wraps the reason why
    if (code != null && !(code === 'NOT_READY' && at.cause instanceof Error)) return code
    if (/corruption/i.test(at.message)) return 'INVALID_DATA'
  }
  return undefined
}

function deepestMessage (err: Error): string {
  let at: Error = err
  while (at.cause instanceof Error) at = at.cause
  return messageOf(at)
}

/** The files of a datastore: what can be read of a damaged one becomes a new one, with a report in it. */
function datastoreFiles (init: LevelDatastoreInit, deps: LevelDatastoreDeps): GuardedFiles {
  const { folder, readAtOnce } = init
  return new GuardedFiles({ folder, readAtOnce, what: 'the datastore' }, { ...deps, replace: async damage => replace(damage, init, deps) })
}

async function replace ({ at, keptAt, text, found }: Damage, init: LevelDatastoreInit, { log, proven }: LevelDatastoreDeps): Promise<void> {
  const { folder } = init
  log.error(`the datastore ${folder} is damaged (${text}): a new one is made of what can be read, the damaged files are kept in ${keptAt}`)
  const isProven = (row: FoundRow): boolean => row.value != null && proven?.(row.key.toString('latin1'), row.value) === true
  const report = ({ rows, doubtful }: Rescued): FoundRow[] => {
    const content: DamageReport = { at, folder, keptAt, what: text, rows, doubtful }
    return [{ key: Buffer.from(damageRow), value: Buffer.from(JSON.stringify(content)), intact: true }]
  }
  const rescued = await rescue({ folder, keptAt, proven: isProven }, found, async () => freshStore(init), report)
  log.info('the datastore has been recreated', { folder, ...rescued })
}
