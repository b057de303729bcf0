import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import type { Clock, Random } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import type { WorkerHandle, Workers } from '../../../base/worker.ts'
import { Channels, checkedNotice } from '../channels.ts'
import type { Notice, NoticeListener } from '../channels.ts'
import { opaqueId, uuid } from '../ids.ts'
import type { Searched } from '../matching.ts'
import type { Migration } from '../migrations/migration.ts'
import { migrate } from '../migrations/migrations.ts'
import { insideTransaction, refuseNested } from '../transaction-scope.ts'
import type { Condition, Search, Sql, SqlDatabase, TransactionOptions } from '../sql.ts'
import type { Tables } from '../tables.ts'
import { SqliteConnectionFile, sqliteDialect } from './dialect.ts'
import { Durability, syncedFile } from './durability.ts'
import type { SyncedFile } from './durability.ts'
import { isBusy, sqliteError } from './errors.ts'
import { checkSmall, IntegrityCheck, openingError } from './integrity.ts'
import { spaced, sqliteMatching } from './matching.ts'
import { NoticePoll, writeNotice } from './notices.ts'
import type { GroupControl } from './write-groups.ts'
import { WriteGroups } from './write-groups.ts'

export interface SqliteDatabaseInit {
  /** Its folder is made when missing. Only its owner may read it. */
  file: string
  /** The one process on the file that listens, with commands beside it: it writes no notices, since nobody else would hear them. */
  isOnlyListener?: boolean
  /** For tests. */
  migrations?: readonly Migration[]
}

export interface SqliteDatabaseDeps {
  clock: Clock
  random: Random
  log: Logger
  workers: Workers
  /** Opens SQLite's log for syncing. For tests. */
  syncedFile?: (path: string) => SyncedFile
}

/**
 * A `SqlDatabase` in a SQLite file: one connection writes, one reads. Other processes may use the file too, for short commands beside the
 * daemon.
 */
export function sqliteDatabase (init: SqliteDatabaseInit, deps: SqliteDatabaseDeps): SqlDatabase {
  return new SqliteDatabase(init, deps)
}

interface Open {
  writer: SqliteConnectionFile, reader: SqliteConnectionFile, durability: Durability, serviceId: string, workers: WorkerHandle[]
}

/**
 * How long SQLite itself waits, in the midst of everything, while another process opens or repairs the file; for another writer we wait,
 * looking again after `busyPauseMs`.
 */
const openingBusyMs = 1000
const longestBusyMs = 10_000
const busyPauseMs = 10

class SqliteDatabase implements SqlDatabase {
  readonly name = 'service-database'
  readonly kind = 'sqlite'
  readonly db: Kysely<Tables>
  readonly #writing: Kysely<Tables>
  readonly #init: SqliteDatabaseInit
  readonly #deps: SqliteDatabaseDeps
  readonly #channels: Channels
  readonly #origin: string
  readonly #groups: WriteGroups
  /** What the transaction that is under way tells. */
  #told: Notice[] = []
  #opened: Open | undefined
  #damage: ClusterError | undefined
  #isStopping = false
  #underWay = 0
  #whenIdle: (() => void) | undefined

  constructor (init: SqliteDatabaseInit, deps: SqliteDatabaseDeps) {
    this.#init = init
    this.#deps = deps
    this.#channels = new Channels(deps.log)
    this.#origin = opaqueId(deps.random)
    this.db = new Kysely({ dialect: sqliteDialect(() => this.#open.reader) })
    this.#writing = new Kysely({
      dialect: sqliteDialect(() => this.#open.writer, {
        begin: async () => this.#open.writer.run('savepoint one'),
        commit: () => this.#open.writer.run('release one'),
        rollBack: () => { if (this.#open.writer.isInTransaction) this.#open.writer.run('rollback to one; release one') }
      })
    })
    this.#groups = new WriteGroups(this.#groupControl(), deps)
  }

  async start (signal: AbortSignal): Promise<void> {
    const { file } = this.#init
    const isNew = makeFile(file)
    const connections: SqliteConnectionFile[] = []
    try {
      const writer = openConnection(file, 'writer')
      connections.push(writer)
      checkSmall(writer, file)
      const serviceId = await this.#migrate(writer, signal)
      const reader = openConnection(file, 'reader')
      connections.push(reader)
      const durability = new Durability((this.#deps.syncedFile ?? syncedFile)(`${file}-wal`))
      await durability.written()
      if (isNew) syncFolder(dirname(file))
      const loops = [
        new NoticePoll(reader, { channels: this.#channels, origin: this.#origin }),
        new IntegrityCheck(file, { log: this.#deps.log, onDamage: err => this.#isDamaged(err) })
      ]
      this.#opened = { writer, reader, durability, serviceId, workers: loops.map(loop => this.#deps.workers.add(loop)) }
    } catch (err) {
      for (const connection of connections) connection.close()
      throw openingError(err, file)
    }
  }

  /** Nothing more is written: it would rest on what isn't there. Reads go on for as long as they can. */
  #isDamaged (err: ClusterError): void {
    this.#damage = err
    this.#deps.log.error(`${err.message}. Until then nothing is written`)
  }

  /** What is under way is finished. */
  async stop (): Promise<void> {
    const opened = this.#opened
    if (opened == null || this.#isStopping) return
    this.#isStopping = true
    await Promise.all(opened.workers.map(async worker => worker.stop()))
    await this.#idle()
    this.#opened = undefined
    await opened.durability.close()
    opened.reader.close()
    opened.writer.close()
  }

  async transaction<T> (work: (tx: Sql) => Promise<T>, { isAhead = false, isDurable = true }: TransactionOptions = {}): Promise<T> {
    refuseNested()
    const { durability } = this.#open
    if (this.#damage != null) {
      throw new ClusterError('NOT_READY', {}, {
        message: 'the service\'s database is damaged: its operator has to restore it', cause: this.#damage
      })
    }
    if (this.#isStopping) throw new ClusterError('NOT_READY', { component: this.name })
    this.#underWay++
    try {
      const { result, notices } = await this.#inTurn(work, isAhead)
      if (isDurable) await durability.written()
      for (const { channel, text } of notices) this.#channels.tell(channel, text)
      return result
    } finally {
      if (--this.#underWay === 0) this.#whenIdle?.()
    }
  }

  async #inTurn<T> (work: (tx: Sql) => Promise<T>, isAhead: boolean): Promise<{ result: T, notices: Notice[] }> {
    const turn = await this.#groups.take({ isAhead })
    let done: { result: T, notices: Notice[] }
    try {
      done = await this.#writing.transaction().execute(tx => insideTransaction(this.#deps.clock, async () => {
        const notices: Notice[] = this.#told = []
        return { result: await work(tx), notices }
      }))
    } finally {
      turn.end()
    }
    await turn.committed
    return done
  }

  #groupControl (): GroupControl {
    const writer = (): SqliteConnectionFile => this.#open.writer
    return {
      begin: async () => this.#begin(writer()),
      commit: () => writer().run('commit'),
      rollBack: () => writer().run('rollback'),
      get isOpen () { return writer().isInTransaction }
    }
  }

  async notify (tx: Sql, channel: string, text: string): Promise<void> {
    const notice = checkedNotice({ channel, text })
    if (this.#init.isOnlyListener !== true) await writeNotice(tx, notice, { origin: this.#origin, now: this.now() })
    this.#told.push(notice)
  }

  listen (channel: string, listener: NoticeListener): () => void { return this.#channels.add(channel, listener) }
  now (): number { return this.#deps.clock.now() }
  serviceId (): string { return this.#open.serviceId }

  async matching (table: Searched, user: string, search: Search): Promise<Condition> {
    return sqliteMatching({ db: this.db, table, user, search })
  }

  get #open (): Open {
    if (this.#opened == null) throw new ClusterError('NOT_READY', { component: this.name })
    return this.#opened
  }

  async #idle (): Promise<void> {
    if (this.#underWay === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#whenIdle = resolve
    await promise
  }

  /** Another process may be writing: its turn is short. */
  async #begin (writer: SqliteConnectionFile, signal?: AbortSignal): Promise<void> {
    const until = this.#deps.clock.elapsed() + longestBusyMs
    for (;;) {
      try { return writer.run('begin immediate') } catch (err) {
        if (!isBusy((err as Error).cause) || this.#deps.clock.elapsed() > until) throw err
      }
      await this.#deps.clock.sleep(busyPauseMs, signal)
    }
  }

  /** Gives the service's id. */
  async #migrate (writer: SqliteConnectionFile, signal: AbortSignal): Promise<string> {
    await this.#begin(writer, signal)
    try {
      const hasTables = writer.query('select 1 from sqlite_master where type = \'table\' and name = \'meta\'').rows.length > 0
      const version = hasTables ? Number(meta(writer, 'schema_version') ?? 0) : 0
      const setMeta = (key: string, value: string): unknown =>
        writer.query('insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value', [key, value])
      await migrate('sqlite', {
        version: async () => version,
        run: async statement => writer.run(statement),
        setVersion: async next => { setMeta('schema_version', `${next}`) }
      }, this.#init.migrations)
      const known = meta(writer, 'service_id')
      const serviceId = known ?? uuid(this.#deps.random)
      if (known == null) setMeta('service_id', serviceId)
      writer.run('commit')
      return serviceId
    } catch (err) {
      if (writer.isInTransaction) writer.run('rollback')
      throw err
    }
  }
}

const meta = (connection: SqliteConnectionFile, key: string): string | undefined =>
  connection.query<{ value: string }>('select value from meta where key = ?', [key]).rows[0]?.value

/** True when it is new. It holds hashes of passwords and keys. */
function makeFile (file: string): boolean {
  mkdirSync(dirname(file), { recursive: true })
  try {
    closeSync(openSync(file, 'wx', 0o600))
    return true
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw err
  }
}

function openConnection (file: string, role: 'writer' | 'reader'): SqliteConnectionFile {
  try {
    const db = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: openingBusyMs })
    db.function('spaced', { deterministic: true, directOnly: false }, text => spaced(String(text)))
    const connection = new SqliteConnectionFile(db, file)
    // synchronous=NORMAL: see `Durability`
    connection.run(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY'
    )
    connection.run(role === 'writer' ? 'PRAGMA busy_timeout = 0' : 'PRAGMA query_only = ON')
    return connection
  } catch (err) {
    throw sqliteError(err, file)
  }
}

function syncFolder (folder: string): void {
  const descriptor = openSync(folder, 'r')
  try { fsyncSync(descriptor) } finally { closeSync(descriptor) }
}
