import { Kysely, sql } from 'kysely'
import { Client, Pool, types } from 'pg'
import type { ClientConfig } from 'pg'
import type { Clock, Random } from '../../../base/clock.ts'
import { ClusterError, messageOf } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import type { Workers } from '../../../base/worker.ts'
import { Channels, checkedNotice } from '../channels.ts'
import type { NoticeListener } from '../channels.ts'
import { uuid } from '../ids.ts'
import type { Searched } from '../matching.ts'
import type { Migration } from '../migrations/migration.ts'
import { migrate } from '../migrations/migrations.ts'
import { insideTransaction, refuseNested } from '../transaction-scope.ts'
import type { Condition, Search, Sql, SqlDatabase } from '../sql.ts'
import type { Tables } from '../tables.ts'
import { postgresDialect } from './dialect.ts'
import { isConflict, isMissingFeature } from './errors.ts'
import { NoticeConnection, noticeText, postgresChannel } from './notice-connection.ts'
import { postgresMatching } from './matching.ts'

export interface PostgresDatabaseInit {
  /** `postgres://user:password@host:port/database`. */
  url: string
  /** For tests. */
  migrations?: readonly Migration[]
}

export interface PostgresDatabaseDeps { clock: Clock, random: Random, log: Logger, workers: Workers }

/** A `SqlDatabase` in PostgreSQL (13 or later), which several peers may share. */
export function postgresDatabase (init: PostgresDatabaseInit, deps: PostgresDatabaseDeps): SqlDatabase {
  return new PostgresDatabase(init, deps)
}

interface Open { reading: Pool, writing: Pool, serviceId: string }

const readers = 6
const writers = 6
const connectMs = 5000
/** Longer than a transaction may take. */
const longestStatementMs = 35_000

/** Transactions that run at the same time can be in each other's way; the server rolls one of them back, which is then tried again. */
const triesSideBySide = 3
const longestConflictMs = 30_000
/** Any two numbers of our own: those that were in the way several times queue up behind this lock, and migrations behind the other. */
const queueLock = '(1751478369, 1)'
const migrationLock = '(1751478369, 2)'

class PostgresDatabase implements SqlDatabase {
  readonly name = 'service-database'
  readonly kind = 'postgres'
  readonly db: Kysely<Tables>
  readonly #writing: Kysely<Tables>
  readonly #init: PostgresDatabaseInit
  readonly #deps: PostgresDatabaseDeps
  readonly #channels: Channels
  readonly #listening: NoticeConnection
  #opened: Open | undefined

  constructor (init: PostgresDatabaseInit, deps: PostgresDatabaseDeps) {
    this.#init = init
    this.#deps = deps
    this.#channels = new Channels(deps.log)
    this.#listening = new NoticeConnection({
      ...deps, channels: this.#channels, newClient: () => new Client({ ...clientConfig(init.url), query_timeout: 10_000 })
    })
    this.db = new Kysely({ dialect: postgresDialect(() => this.#open.reading) })
    this.#writing = new Kysely({ dialect: postgresDialect(() => this.#open.writing) })
  }

  async start (signal: AbortSignal): Promise<void> {
    const migrating = this.#pool(1, { limitMs: 0 })
    try {
      const serviceId = await this.#migrate(migrating)
      signal.throwIfAborted()
      await this.#listening.start()
      // a write outside of a transaction is a mistake, here as in SQLite
      const reading = this.#pool(readers, { limitMs: longestStatementMs, options: '-c default_transaction_read_only=on' })
      this.#opened = { writing: this.#pool(writers, { limitMs: longestStatementMs }), reading, serviceId }
    } finally {
      await migrating.end()
    }
  }

  /** What is under way is finished. */
  async stop (): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await this.#listening.stop()
    await Promise.all([opened?.reading.end(), opened?.writing.end()])
  }

  async transaction<T> (work: (tx: Sql) => Promise<T>): Promise<T> {
    refuseNested()
    const { clock, random } = this.#deps
    const until = clock.elapsed() + longestConflictMs
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(work, attempt > triesSideBySide)
      } catch (err) {
        if (!isConflict(err)) throw err
        if (clock.elapsed() > until) {
          throw new ClusterError('NOT_READY', { attempts: attempt }, {
            message: 'too many others write to the service\'s database', cause: err
          })
        }
      }
      await clock.sleep(random.float() * Math.min(5 * 2 ** attempt, 100))
    }
  }

  async notify (tx: Sql, channel: string, text: string): Promise<void> {
    await sql`select pg_notify(${postgresChannel}, ${noticeText(checkedNotice({ channel, text }))})`.execute(tx)
  }

  listen (channel: string, listener: NoticeListener): () => void { return this.#channels.add(channel, listener) }
  now (): number { return this.#deps.clock.now() + this.#listening.offsetMs }
  serviceId (): string { return this.#open.serviceId }

  async matching (table: Searched, user: string, search: Search): Promise<Condition> {
    return postgresMatching({ db: this.db, table, user, search })
  }

  get #open (): Open {
    if (this.#opened == null) throw new ClusterError('NOT_READY', { component: this.name })
    return this.#opened
  }

  /** The lock is the session's: a snapshot that was taken before it was waited for would fail again. */
  async #attempt<T> (work: (tx: Sql) => Promise<T>, isQueued: boolean): Promise<T> {
    return this.#writing.connection().execute(async connection => {
      if (isQueued) await sql.raw(`select pg_advisory_lock${queueLock}`).execute(connection)
      try {
        return await connection.transaction().setIsolationLevel('serializable').execute(
          tx => insideTransaction(this.#deps.clock, () => work(tx))
        )
      } finally {
        if (isQueued) await sql.raw(`select pg_advisory_unlock${queueLock}`).execute(connection).catch(() => {}) // went with the connection
      }
    })
  }

  /** `limitMs`: of a statement, 0 for none. */
  #pool (max: number, { limitMs, options = '' }: { limitMs: number, options?: string }): Pool {
    const timeouts = `-c statement_timeout=${limitMs} -c idle_in_transaction_session_timeout=${limitMs}`
    const pool = new Pool({
      ...clientConfig(this.#init.url, `${timeouts} ${options}`), max, ...(limitMs === 0 ? {} : { query_timeout: limitMs + 5000 })
    })
    // clients that nobody uses: the pool gives them up by itself
    pool.on('error', err => this.#deps.log.debug('a connection to the service\'s database ended', { err }))
    return pool
  }

  /** Gives the service's id. */
  async #migrate (pool: Pool): Promise<string> {
    const db = new Kysely<Tables>({ dialect: postgresDialect(() => pool) })
    return db.transaction().setIsolationLevel('read committed').execute(async tx => {
      const run = async (text: string): Promise<void> => {
        await sql.raw(text).execute(tx).catch((err: unknown) => {
          throw isMissingFeature(err)
            ? new ClusterError('INVALID_CONFIG', {}, {
              message: `${messageOf(err)}; pg_trgm and btree_gin come with PostgreSQL's package "contrib"`, cause: err
            })
            : err
        })
      }
      await run(`select pg_advisory_xact_lock${migrationLock}`)
      const { rows: [found] } = await sql<{ there: boolean }>`select to_regclass('meta') is not null as there`.execute(tx)
      const meta = async (key: string): Promise<string | undefined> =>
        (await tx.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst())?.value
      const setMeta = async (key: string, value: string): Promise<void> => {
        await tx.insertInto('meta').values({ key, value }).onConflict(oc => oc.column('key').doUpdateSet({ value })).execute()
      }
      await migrate('postgres', {
        version: async () => found?.there === true ? Number(await meta('schema_version') ?? 0) : 0,
        run,
        setVersion: version => setMeta('schema_version', `${version}`)
      }, this.#init.migrations)
      const serviceId = await meta('service_id') ?? uuid(this.#deps.random)
      await setMeta('service_id', serviceId)
      return serviceId
    })
  }
}

/** Numbers of 64 bits and sums come as JavaScript's numbers: nothing here is above 2^53. */
const numberTypes: readonly number[] = [types.builtins.INT8, types.builtins.NUMERIC]

function clientConfig (url: string, options = ''): ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    application_name: 'helia-cluster',
    // plans for texts to search for are made with these texts
    options: `-c plan_cache_mode=force_custom_plan ${options}`.trim(),
    types: {
      getTypeParser: (
        (id: number, format?: 'text' | 'binary') => numberTypes.includes(id) ? Number : types.getTypeParser(id, format)
      ) as typeof types.getTypeParser
    }
  }
}
