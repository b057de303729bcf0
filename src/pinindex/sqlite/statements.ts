import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import type { Time } from '../../model/time.ts'
import type { IndexedPin } from '../pinindex.ts'
import { statusOfCode } from './schema.ts'

/** Rows come as arrays: half the time of objects. */
export type Row = SQLOutputValue[]

/** A statement whose rows are arrays. */
export interface Statement {
  get (...values: SQLInputValue[]): Row | undefined
  all (...values: SQLInputValue[]): Row[]
  run (...values: SQLInputValue[]): { changes: number | bigint }
}

/** Which pins: in one status, perhaps with one name, created in a range (exclusive). */
export interface Range { status: number, name?: string | undefined, before?: Time | undefined, after?: Time | undefined }

/** A row of the list, whose columns are in this order. */
export const indexedPin = ([cid, created, status]: Row): IndexedPin =>
  ({ cid: cid as string, created: created as number, status: statusOfCode(status as number) })

const shape = 'cid, created, status'
const range = 'status = ? AND created < ? AND created > ?'

/**
 * Everything that is asked of the database, prepared once. Indexes are named because SQLite without statistics takes the range of times for
 * the better condition.
 */
export class Statements {
  readonly #db: DatabaseSync
  readonly #scans = new Map<string, Statement>()

  readonly cidAt: Statement
  readonly latestIn: Statement
  readonly entryOf: Statement
  readonly statusOf: Statement
  readonly byCid: Statement
  readonly rowOfCid: Statement
  readonly insert: Statement
  readonly rename: Statement
  readonly move: Statement
  readonly remove: Statement
  readonly setStatus: Statement
  readonly following: Statement
  readonly #count: Statement
  readonly #countNamed: Statement
  readonly #page: Statement
  readonly #pageNamed: Statement

  constructor (db: DatabaseSync) {
    this.#db = db
    this.cidAt = this.#prepare('SELECT cid FROM pins WHERE created = ?')
    this.latestIn = this.#prepare('SELECT created FROM pins WHERE created >= ? AND created < ? ORDER BY created DESC LIMIT 1')
    this.entryOf = this.#prepare('SELECT second, name, metadata FROM pins WHERE cid = ?')
    this.statusOf = this.#prepare('SELECT status FROM pins WHERE cid = ?')
    this.byCid = this.#prepare(`SELECT ${shape} FROM pins WHERE cid = ?`)
    this.rowOfCid = this.#prepare(`SELECT ${shape}, name, metadata FROM pins WHERE cid = ?`)
    this.insert = this.#prepare('INSERT INTO pins (created, cid, second, status, name, metadata) VALUES (?, ?, ?, ?, ?, ?)')
    this.rename = this.#prepare('UPDATE pins SET name = ?, metadata = ? WHERE cid = ?')
    this.move = this.#prepare('UPDATE pins SET created = ?, second = ?, name = ?, metadata = ? WHERE cid = ?')
    this.remove = this.#prepare('DELETE FROM pins WHERE cid = ?')
    this.setStatus = this.#prepare('UPDATE pins SET status = ? WHERE cid = ?')
    this.following = this.#prepare(`SELECT ${shape} FROM pins WHERE created > ? ORDER BY created LIMIT ?`)
    this.#count = this.#prepare(`SELECT count(*) FROM pins INDEXED BY by_status WHERE ${range}`)
    this.#countNamed = this.#prepare(`SELECT count(*) FROM pins INDEXED BY by_name WHERE name <> '' AND name = ? AND ${range}`)
    this.#page = this.#prepare(`SELECT ${shape} FROM pins INDEXED BY by_status WHERE ${range} ORDER BY created DESC LIMIT ?`)
    this.#pageNamed = this.#prepare(
      `SELECT ${shape} FROM pins INDEXED BY by_name WHERE name <> '' AND name = ? AND ${range} ORDER BY created DESC LIMIT ?`
    )
  }

  size (): number { return this.#prepare('SELECT count(*) FROM pins').get()?.[0] as number }

  count (wanted: Range): number {
    const row = wanted.name == null ? this.#count.get(...bounds(wanted)) : this.#countNamed.get(wanted.name, ...bounds(wanted))
    return row?.[0] as number
  }

  /** Newest first. */
  page ({ limit, ...wanted }: Range & { limit: number }): IndexedPin[] {
    const rows = wanted.name == null ? this.#page.all(...bounds(wanted), limit) : this.#pageNamed.all(wanted.name, ...bounds(wanted), limit)
    return rows.map(indexedPin)
  }

  /** cid, created, status and one or two columns more of `limit` rows in any status, newest first. */
  scan (
    { columns, condition, before, after, limit }: { columns: string, condition: string, before: Time, after: Time, limit: number }
  ): Row[] {
    const sql = `SELECT ${shape}, ${columns} FROM pins WHERE created < ? AND created > ? AND ${condition} ORDER BY created DESC LIMIT ?`
    let statement = this.#scans.get(sql)
    if (statement == null) this.#scans.set(sql, statement = this.#prepare(sql))
    return statement.all(before, after, limit)
  }

  #prepare (sql: string): Statement {
    const statement: StatementSync = this.#db.prepare(sql)
    statement.setReturnArrays(true)
    return statement as unknown as Statement
  }
}

const bounds = ({ status, before, after }: Range): [number, Time, Time] => [status, beforeOr(before), afterOr(after)]

/** The end of a span of time; without one, the end of all. */
export const beforeOr = (time: Time | undefined): Time => time ?? Number.MAX_SAFE_INTEGER
/** The beginning of a span of time; without one, the beginning of all. */
export const afterOr = (time: Time | undefined): Time => time ?? Number.MIN_SAFE_INTEGER
