import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chown, mkdtemp, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import { Client } from 'pg'
import type { DatabaseError } from 'pg'
import { freePorts } from './free-ports.ts'
import { pollUntil } from './poll.ts'

/** The folder of PostgreSQL's programs: Debian's newest, else what is on PATH; null when there are none. */
const programs: string | null = findPrograms()
/** The server refuses to run as root: then Debian's user `postgres` runs it. */
const account = process.getuid?.() === 0 ? findAccount() : undefined

/** Why there can be no server; null when there can. */
export const postgresMissing: string | null = whyMissing()

function findPrograms (): string | null {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian)
    ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)).map(version => join(debian, version, 'bin'))
    : []
  return [...versions, ...(process.env.PATH ?? '').split(delimiter)].find(
    folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))
  ) ?? null
}

function findAccount (): { uid: number, gid: number } | null {
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? []
  return uid == null || gid == null ? null : { uid: Number(uid), gid: Number(gid) }
}

function whyMissing (): string | null {
  if (programs == null) return 'PostgreSQL is not installed'
  if (account === null) return 'there is no user postgres to run PostgreSQL as'
  return null
}

/** A command as the account that the server runs as. */
const asServer = (command: string[]): string[] => account == null
  ? command
  : ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', '--', ...command]

async function runAsServer (...command: string[]): Promise<void> {
  const [program = '', ...args] = asServer(command)
  await promisify(execFile)(program, args, { cwd: '/', timeout: 120_000 })
}

async function newFolder (name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), name))
  if (account != null) await chown(folder, account.uid, account.gid)
  return folder
}

/** A data folder as `initdb` makes it in 7 s. One is kept between runs, for copying. */
async function freshData (): Promise<string> {
  const template = join(tmpdir(), `helia-cluster-postgres-${(programs ?? '').replaceAll(/\W+/g, '-')}-${process.getuid?.() ?? 0}`)
  if (!existsSync(template)) {
    const made = await newFolder('helia-cluster-initdb-')
    await runAsServer(
      join(programs ?? '', 'initdb'), '--no-sync', '--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--pgdata',
      made
    )
    // another process may have been quicker
    await rename(made, template).catch(async () => rm(made, { recursive: true, force: true }))
  }
  const folder = await newFolder('helia-cluster-postgres-')
  const data = join(folder, 'data')
  await runAsServer('cp', '-a', template, data)
  return folder
}

const settings = ['max_connections=90', 'wal_level=minimal', 'max_wal_senders=0', 'unix_socket_directories=', 'listen_addresses=127.0.0.1']
/** What the databases of tests hold is gone with them. */
const quickSettings = [
  'fsync=off', 'full_page_writes=off', 'synchronous_commit=off', 'shared_buffers=32MB', 'autovacuum=off', 'max_wal_size=8GB',
  'checkpoint_timeout=1h'
]

export interface PostgresServerInit {
  /** As it is installed: for benchmarks. */
  isDurable?: boolean
}

/** Ends the server when our end of the pipe is closed: also when this process is killed. */
const guarded = '"$@" < /dev/null & server=$!; read -r _; kill -INT "$server"; wait "$server"'

interface Emptying { url: string, client: Client, statements: string }

/** Codes of PostgreSQL. */
const [noSuchDatabase, isThere] = ['3D000', '42P04']
const nameOf = (url: string): string => url.slice(url.lastIndexOf('/') + 1)

/** A PostgreSQL that runs on a port of 127.0.0.1. */
export class RunningPostgres {
  readonly port: number
  #databases = 0
  #emptying: Emptying | undefined

  constructor (port: number) { this.port = port }

  url (database: string): string { return `postgres://postgres@127.0.0.1:${this.port}/${database}` }

  /** The URL of a new database: empty, or a copy of one that nobody is connected to. */
  async createDatabase (template?: string): Promise<string> {
    // other processes may use the same server
    const name = `test_${process.pid}_${++this.#databases}_${randomBytes(4).toString('hex')}`
    await this.query(`create database ${name}${template == null ? '' : ` template ${template} strategy file_copy`}`)
    return this.url(name)
  }

  /**
   * The URL of a new database with what `fill` makes, which is made once for all processes that use the server: a copy costs a fifth of
   * that. `fill` has closed its connections when it resolves.
   */
  async copyOf (name: string, fill: (url: string) => Promise<void>): Promise<string> {
    try {
      return await this.createDatabase(name)
    } catch (err) {
      if ((err as DatabaseError).code !== noSuchDatabase) throw err
    }
    const url = await this.createDatabase()
    await fill(url)
    // another process may have been quicker
    await this.query(`alter database ${nameOf(url)} rename to ${name}`).catch((err: DatabaseError) => {
      if (err.code !== isThere) throw err
    })
    return this.createDatabase(name)
  }

  /** Removes all rows of a database of the service, but for what it is. The connection is kept for the next time. */
  async empty (url: string): Promise<void> {
    if (this.#emptying?.url !== url) await this.close()
    const { client, statements } = this.#emptying ??= await this.#emptier(url)
    await client.query(statements)
  }

  /** Ends the connection that was kept. */
  async close (): Promise<void> {
    const emptying = this.#emptying
    this.#emptying = undefined
    await emptying?.client.end()
  }

  async #emptier (url: string): Promise<Emptying> {
    const client = new Client({ connectionString: url })
    await client.connect()
    // without triggers and foreign keys
    await client.query('set session_replication_role = replica')
    const { rows } = await client.query('select tablename from pg_tables where schemaname = \'public\' and tablename <> \'meta\'')
    const deletions = rows.map(({ tablename }) => `delete from "${String(tablename)}"`)
    return { url, client, statements: [...deletions, 'delete from meta where key not in (\'schema_version\', \'service_id\')'].join('; ') }
  }

  async query (text: string, database = 'postgres'): Promise<Array<Record<string, unknown>>> {
    const client = new Client({ connectionString: this.url(database) })
    await client.connect()
    try {
      return (await client.query(text)).rows as Array<Record<string, unknown>>
    } finally {
      await client.end()
    }
  }
}

/** A PostgreSQL with a data folder of its own. */
export class PostgresServer extends RunningPostgres {
  readonly #folder: string
  readonly #settings: readonly string[]
  #child: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()
  #log = ''

  private constructor (folder: string, port: number, settings: readonly string[]) {
    super(port)
    this.#folder = folder
    this.#settings = settings
  }

  static async create ({ isDurable = false }: PostgresServerInit = {}): Promise<PostgresServer> {
    const [port = 0] = await freePorts(1)
    const server = new PostgresServer(await freshData(), port, isDurable ? settings : [...settings, ...quickSettings])
    await server.start()
    return server
  }

  async start (): Promise<void> {
    const server = [
      join(programs ?? '', 'postgres'), '-D', join(this.#folder, 'data'), '-p', `${this.port}`,
      ...this.#settings.flatMap(setting => ['-c', setting])
    ]
    const [program = '', ...args] = asServer(['sh', '-c', guarded, 'sh', ...server])
    const child = spawn(program, args, { cwd: '/', stdio: ['pipe', 'ignore', 'pipe'] })
    child.stderr?.on('data', chunk => { this.#log = `${this.#log}${String(chunk)}`.slice(-4000) })
    this.#child = child
    this.#ended = new Promise(resolve => child.once('exit', () => resolve()))
    await pollUntil(async () => this.#answers(), { withinMs: 30_000, what: 'the start of PostgreSQL' }).catch(async err => {
      await this.stop()
      throw new Error(`${(err as Error).message}: ${this.#log}`)
    })
  }

  /** Ends all connections at once. */
  async stop (): Promise<void> {
    this.#child?.stdin?.end()
    await this.#ended
  }

  async remove (): Promise<void> {
    await this.close()
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #answers (): Promise<boolean> {
    try {
      await this.query('select 1')
      return true
    } catch {
      return false // not yet
    }
  }
}

/** Names the port of the server that a run of all tests has started for those that don't stop it. */
const sharedPort = 'HELIA_CLUSTER_TESTS_POSTGRES'

/** Starts a server for all processes that this one starts from now on. */
export async function sharePostgres (): Promise<PostgresServer> {
  const server = await PostgresServer.create()
  process.env[sharedPort] = `${server.port}`
  return server
}

/** The server of the run; without one, one of its own. `release` when its databases aren't needed any more. */
export async function anyPostgres (): Promise<{ server: RunningPostgres, release (): Promise<void> }> {
  const port = process.env[sharedPort]
  if (port != null) {
    const server = new RunningPostgres(Number(port))
    return { server, release: async () => server.close() }
  }
  const server = await PostgresServer.create()
  return { server, release: async () => server.remove() }
}
