import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, Kysely, QueryResult } from 'kysely'
import { ClusterError } from '../../../base/errors.ts'
import { keepNewest } from '../../../base/keep-newest.ts'
import { checkedParameters } from '../parameters.ts'
import { sqliteError } from './errors.ts'

/** Statements that are kept prepared: preparing one takes four times as long as running it. */
const keptStatements = 300

interface Prepared { statement: StatementSync, columns: readonly string[] }

/** One connection to the file, with its statements. */
export class SqliteConnectionFile {
  readonly #db: DatabaseSync
  readonly #file: string
  readonly #prepared = new Map<string, Prepared>()

  constructor (db: DatabaseSync, file: string) {
    this.#db = db
    this.#file = file
  }

  /** Throws our errors. */
  query<R> (text: string, parameters: readonly unknown[] = []): QueryResult<R> {
    const values = checkedParameters(parameters) as SQLInputValue[]
    try {
      const { statement, columns } = this.#prepare(text)
      if (columns.length > 0) return { rows: (statement.all(...values) as unknown as unknown[][]).map(row => rowOf<R>(columns, row)) }
      const { changes, lastInsertRowid } = statement.run(...values)
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
    } catch (err) {
      throw sqliteError(err, this.#file)
    }
  }

  /** Several statements without parameters. */
  run (text: string): void {
    try { this.#db.exec(text) } catch (err) { throw sqliteError(err, this.#file) }
  }

  get isInTransaction (): boolean { return this.#db.isTransaction }

  close (): void {
    this.#prepared.clear()
    if (this.#db.isOpen) this.#db.close()
  }

  /** The statement that was used longest ago makes room. */
  #prepare (text: string): Prepared {
    const known = this.#prepared.get(text)
    this.#prepared.delete(text)
    const prepared = known ?? preparedStatement(this.#db, text)
    this.#prepared.set(text, prepared)
    keepNewest(this.#prepared, keptStatements)
    return prepared
  }
}

function preparedStatement (db: DatabaseSync, text: string): Prepared {
  const statement = db.prepare(text)
  const columns = statement.columns().map(({ name }) => name)
  // arrays take half the time of the objects without prototype that SQLite's binding makes
  if (columns.length > 0) statement.setReturnArrays(true)
  return { statement, columns }
}

function rowOf<R> (columns: readonly string[], values: readonly unknown[]): R {
  const row: Record<string, unknown> = {}
  for (let at = 0; at < columns.length; at++) row[columns[at]!] = values[at]
  return row as R
}

/** What Kysely has while it uses a connection; afterwards nothing that was left behind gets through to it. */
class Use implements DatabaseConnection {
  #file: SqliteConnectionFile | undefined

  constructor (file: SqliteConnectionFile) { this.#file = file }

  async executeQuery<R> ({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#file == null) throw new ClusterError('INTERNAL', {}, { message: 'the transaction is over' })
    return this.#file.query<R>(sql, parameters)
  }

  // eslint-disable-next-line require-yield -- lists are read in pages
  async * streamQuery<R> (): AsyncIterableIterator<QueryResult<R>> {
    throw new ClusterError('UNSUPPORTED', {}, { message: 'lists are read in pages, not streamed' })
  }

  end (): void { this.#file = undefined }
}

/** How transactions of the writing connection begin; readers have none. */
export interface TransactionControl {
  begin (): Promise<void>
  commit (): void
  rollBack (): void
}

/** All use one connection: those with transactions one after the other, which is their care. */
class ConnectionDriver implements Driver {
  readonly #connection: () => SqliteConnectionFile
  readonly #control: TransactionControl | undefined

  constructor (connection: () => SqliteConnectionFile, control?: TransactionControl) {
    this.#connection = connection
    this.#control = control
  }

  async init (): Promise<void> {}
  async destroy (): Promise<void> {}

  async acquireConnection (): Promise<DatabaseConnection> { return new Use(this.#connection()) }
  async releaseConnection (use: DatabaseConnection): Promise<void> { (use as Use).end() }

  async beginTransaction (): Promise<void> {
    if (this.#control == null) throw new ClusterError('INTERNAL', {}, { message: 'transactions are made by the database' })
    await this.#control.begin()
  }

  async commitTransaction (): Promise<void> { this.#control?.commit() }
  async rollbackTransaction (): Promise<void> { this.#control?.rollBack() }
}

/** Kysely would give even readers their connection one after the other. */
class Adapter extends SqliteAdapter {
  override get supportsMultipleConnections (): boolean { return true }
}

/**
 * Kysely on a connection of `node:sqlite`. With `control` for transactions, of which the caller begins one at a time, else for single
 * statements.
 */
export function sqliteDialect (connection: () => SqliteConnectionFile, control?: TransactionControl): Dialect {
  return {
    createDriver: () => new ConnectionDriver(connection, control),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new Adapter(),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db)
  }
}
