import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import type { Clock } from '../../src/base/clock.ts'
import type { Logger } from '../../src/base/log.ts'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { WorkerRunner } from '../../src/base/worker.ts'
import type { Migration } from '../../src/service/sql/migrations/migration.ts'
import { postgresDatabase } from '../../src/service/sql/postgres/postgres-database.ts'
import type { SqlDatabase } from '../../src/service/sql/sql.ts'
import { sqliteDatabase } from '../../src/service/sql/sqlite/sqlite-database.ts'
import { anyPostgres, postgresMissing } from './postgres-server.ts'
import type { RunningPostgres } from './postgres-server.ts'

export interface TestPeerOptions { clock?: Clock, log?: Logger, migrations?: readonly Migration[] }

/** What a peer has of a database: the handle, and the background loops that work on it. */
export interface TestPeer { database: SqlDatabase, workers: WorkerRunner, clock: Clock, log: Logger }

/** Databases for the tests of one kind. Everything that was opened is closed after the test. */
export interface TestDatabases {
  readonly kind: SqlDatabase['kind']
  /** A new database, started. */
  open (options?: TestPeerOptions): Promise<TestPeer>
  /** Another handle on the database that was made last, started: another peer (on SQLite: another process). */
  another (options?: TestPeerOptions): Promise<TestPeer>
  /** Where the database that was made last is: a file or a URL. */
  place (): string
  /** A new place without anything in it; `another` opens it. */
  reserve (): Promise<string>
  /** PostgreSQL's server; undefined for SQLite. */
  readonly server: RunningPostgres | undefined
}

/** Runs the tests on SQLite and, where it is installed, on PostgreSQL. */
export function eachDatabase (name: string, tests: (databases: TestDatabases) => void): void {
  describe(`${name} (SQLite)`, () => tests(new Databases('sqlite')))
  const title = `${name} (PostgreSQL)`
  if (postgresMissing == null) describe(title, () => tests(new Databases('postgres')))
  else it(title, { skip: postgresMissing }, () => {})
}

/** A handle on the database at a place, not started. */
export function databaseAt (
  kind: SqlDatabase['kind'], place: string, { clock = systemClock, log = silentLogger, migrations }: TestPeerOptions = {}
): TestPeer {
  const workers = new WorkerRunner({ clock, random: systemRandom, log })
  const deps = { clock, random: systemRandom, log, workers }
  const steps = migrations == null ? {} : { migrations }
  const database = kind === 'sqlite' ? sqliteDatabase({ file: place, ...steps }, deps) : postgresDatabase({ url: place, ...steps }, deps)
  return { database, workers, clock, log }
}

/** Makes the usual tables, of a service that has no ID yet: each copy gets one. */
async function makeTables (kind: SqlDatabase['kind'], place: string): Promise<void> {
  const { database } = databaseAt(kind, place)
  await database.start(new AbortController().signal)
  await database.transaction(tx => tx.deleteFrom('meta').where('key', '=', 'service_id').execute())
  await database.stop()
}

class Databases implements TestDatabases {
  readonly kind: SqlDatabase['kind']
  readonly #peers: TestPeer[] = []
  readonly #folders: string[] = []
  #postgres: Awaited<ReturnType<typeof anyPostgres>> | undefined
  #place = ''
  /** A database of an earlier test, for the next one: making its tables takes ten times as long as emptying them. */
  #spare: string | undefined
  /** A SQLite file with all tables and nothing in them, for copying. */
  #template: string | undefined
  #isUsual = true

  constructor (kind: SqlDatabase['kind']) {
    this.kind = kind
    afterEach(async () => this.#closeAll())
    after(async () => {
      await this.#postgres?.release()
      if (this.#template != null) await rm(dirname(this.#template), { recursive: true, force: true })
    })
  }

  get server (): RunningPostgres | undefined { return this.#postgres?.server }
  place (): string { return this.#place }

  async open (options: TestPeerOptions = {}): Promise<TestPeer> {
    if (options.migrations == null) await this.#usual()
    else await this.reserve()
    this.#isUsual = true
    return this.another(options)
  }

  async another (options: TestPeerOptions = {}): Promise<TestPeer> {
    this.#isUsual &&= options.migrations == null
    const peer = databaseAt(this.kind, this.#place, options)
    this.#peers.push(peer)
    await peer.database.start(new AbortController().signal)
    await peer.workers.start()
    return peer
  }

  async reserve (): Promise<string> {
    this.#place = this.kind === 'sqlite' ? await this.#newFile() : await this.#newUrl()
    this.#isUsual = false
    return this.#place
  }

  /** Makes a place with the usual tables. */
  async #usual (): Promise<void> {
    const spare = this.#spare
    this.#spare = undefined
    if (spare != null) await this.server?.empty(spare)
    this.#place = spare ?? (this.kind === 'sqlite' ? await this.#copiedFile() : await this.#copiedUrl())
  }

  async #copiedFile (): Promise<string> {
    if (this.#template == null) {
      const template = join(await mkdtemp(join(tmpdir(), 'helia-cluster-tables-')), 'service.sqlite')
      await makeTables('sqlite', template)
      this.#template = template
    }
    const file = await this.#newFile()
    await copyFile(this.#template, file)
    return file
  }

  async #copiedUrl (): Promise<string> {
    this.#postgres ??= await anyPostgres()
    return this.#postgres.server.copyOf('usual', async url => makeTables('postgres', url))
  }

  async #newFile (): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-service-'))
    this.#folders.push(folder)
    return join(folder, 'service.sqlite')
  }

  async #newUrl (): Promise<string> {
    this.#postgres ??= await anyPostgres()
    return this.#postgres.server.createDatabase()
  }

  async #closeAll (): Promise<void> {
    for (const { database, workers } of this.#peers.splice(0)) {
      await workers.stop()
      await database.stop()
    }
    for (const folder of this.#folders.splice(0)) await rm(folder, { recursive: true, force: true })
    if (this.#postgres != null && this.#isUsual) this.#spare = this.#place
  }
}
