import { createHash } from 'node:crypto'
import { PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, Kysely, QueryResult, TransactionSettings } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { ClusterError } from '../../../base/errors.ts'
import { checkedParameters } from '../parameters.ts'
import { isGone, postgresError } from './errors.ts'

/** Statements that the server keeps prepared, for each connection; texts above this length are made for one query. */
const keptStatements = 200
const longestKeptText = 4000

/** Gives statements that come again a name, under which the server keeps them parsed. */
class StatementNames {
  readonly #names = new Map<string, string>()

  of (text: string): string | undefined {
    const known = this.#names.get(text)
    if (known != null || text.length > longestKeptText || this.#names.size >= keptStatements) return known
    const name = `s_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`
    this.#names.set(text, name)
    return name
  }
}

/** What Kysely has while it uses a connection; afterwards nothing that was left behind gets through to it. */
class Use implements DatabaseConnection {
  readonly #names: StatementNames
  #client: PoolClient | undefined
  #isBroken = false
  /** The server may end a connection between two queries; the pool listens only to those that nobody uses. */
  readonly #onError = (): void => { this.#isBroken = true }

  constructor (client: PoolClient, names: StatementNames) {
    this.#client = client
    this.#names = names
    client.on('error', this.#onError)
  }

  async executeQuery<R> ({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const values = checkedParameters(parameters)
    const name = values.length > 0 ? this.#names.of(sql) : undefined
    const { command, rowCount, rows } = await this.#query({ text: sql, values: [...values], ...(name == null ? {} : { name }) })
    const isWrite = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE'
    return { rows: rows as R[], ...(isWrite && rowCount != null ? { numAffectedRows: BigInt(rowCount) } : {}) }
  }

  // eslint-disable-next-line require-yield -- lists are read in pages
  async * streamQuery<R> (): AsyncIterableIterator<QueryResult<R>> {
    throw new ClusterError('UNSUPPORTED', {}, { message: 'lists are read in pages, not streamed' })
  }

  async run (text: string): Promise<void> { await this.#query({ text }) }

  /** What made it necessary is told, not what comes of it: a connection that can't roll back is given up, and that does it too. */
  async rollBack (): Promise<void> {
    try { await this.#query({ text: 'rollback' }) } catch { this.#isBroken = true }
  }

  /** A connection that failed is not used again. */
  end (): void {
    this.#client?.off('error', this.#onError)
    this.#client?.release(this.#isBroken)
    this.#client = undefined
  }

  async #query (query: {
    text: string, values?: unknown[], name?: string
  }): Promise<{ command: string, rowCount: number | null, rows: unknown[] }> {
    if (this.#client == null) throw new ClusterError('INTERNAL', {}, { message: 'the transaction is over' })
    try {
      return await this.#client.query(query)
    } catch (err) {
      this.#isBroken ||= isGone(err)
      throw postgresError(err)
    }
  }
}

class PoolDriver implements Driver {
  readonly #pool: () => Pool
  readonly #names = new StatementNames()

  constructor (pool: () => Pool) { this.#pool = pool }

  async init (): Promise<void> {}
  async destroy (): Promise<void> {}

  async acquireConnection (): Promise<DatabaseConnection> {
    try {
      return new Use(await this.#pool().connect(), this.#names)
    } catch (err) {
      throw postgresError(err)
    }
  }

  async releaseConnection (use: DatabaseConnection): Promise<void> { (use as Use).end() }

  async beginTransaction (use: DatabaseConnection, { isolationLevel }: TransactionSettings): Promise<void> {
    await (use as Use).run(isolationLevel == null ? 'begin' : `begin isolation level ${isolationLevel}`)
  }

  async commitTransaction (use: DatabaseConnection): Promise<void> { await (use as Use).run('commit') }
  async rollbackTransaction (use: DatabaseConnection): Promise<void> { await (use as Use).rollBack() }
}

/** Kysely on a pool of connections. */
export function postgresDialect (pool: () => Pool): Dialect {
  return {
    createDriver: () => new PoolDriver(pool),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db: Kysely<unknown>) => new PostgresIntrospector(db)
  }
}
