import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ClusterError, isClusterError, messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Time } from '../../model/time.ts'
import { wholeSeconds } from '../../model/time.ts'
import type { FoundPins, IndexedPin, IndexedStatus, IndexEntry, PinIndex, PinQuery } from '../pinindex.ts'
import { CreatedTimes } from './created-times.ts'
import { metadataText } from './matching.ts'
import { prepareDatabase, statusCodes } from './schema.ts'
import { searchByCids, searchByIndex, searchByScan } from './search.ts'
import { indexedPin, Statements } from './statements.ts'
import type { Row } from './statements.ts'
import { sealFile, unsealFile } from './seal.ts'

export interface SqlitePinIndexInit {
  /** Its folder is made when missing. `:memory:` leaves nothing behind. */
  file: string
}

/** A `PinIndex` in a SQLite file, for one process at a time. */
export function sqlitePinIndex (init: SqlitePinIndexInit, deps: { log: Logger }): PinIndex {
  return new SqlitePinIndex(init, deps)
}

interface Open { db: DatabaseSync, statements: Statements, times: CreatedTimes, size: number }

class SqlitePinIndex implements PinIndex {
  readonly name = 'pinindex'
  readonly #file: string
  readonly #log: Logger
  #opened: Open | undefined

  constructor ({ file }: SqlitePinIndexInit, { log }: { log: Logger }) {
    this.#file = file
    this.#log = log
  }

  async start (): Promise<void> {
    const db = this.#openDatabase()
    const statements = new Statements(db)
    const times = new CreatedTimes({
      isTaken: created => statements.cidAt.get(created) != null,
      latestIn: (from, before) => statements.latestIn.get(from, before)?.[0] as number | undefined
    })
    this.#opened = { db, statements, times, size: statements.size() }
  }

  async stop (): Promise<void> {
    if (this.#opened == null) return
    this.#opened.db.close()
    this.#opened = undefined
    sealFile(this.#file)
  }

  put (entries: readonly IndexEntry[], status: IndexedStatus): string[] {
    return this.#write(open => {
      const changed: string[] = []
      for (const entry of entries) if (putOne(open, entry, status)) changed.push(entry.cid)
      return changed
    })
  }

  isSame (entry: IndexEntry): boolean {
    return isSameEntry(this.#open.statements.entryOf.get(entry.cid), entry)
  }

  remove (cids: readonly string[]): void {
    this.#write(open => {
      for (const cid of cids) open.size -= Number(open.statements.remove.run(cid).changes)
    })
  }

  setStatus (changes: ReadonlyArray<{ cid: string, status: IndexedStatus }>): void {
    const { statements } = this.#open
    // most are as they were: only the others are worth a transaction
    const real = changes.filter(({ cid, status }) => {
      const known = statements.statusOf.get(cid)?.[0]
      return known != null && known !== statusCodes[status]
    })
    if (real.length === 0) return
    this.#write(() => {
      for (const { cid, status } of real) statements.setStatus.run(statusCodes[status], cid)
    })
  }

  get (cid: string): IndexedPin | undefined {
    const row = this.#open.statements.byCid.get(cid)
    return row == null ? undefined : indexedPin(row)
  }

  async find (query: PinQuery, { signal }: { signal?: AbortSignal } = {}): Promise<FoundPins> {
    const { statements } = this.#open
    if (query.cids != null) return searchByCids(statements, { ...query, cids: query.cids })
    const byIndex = query.metadata == null && (query.name == null || query.name.match === 'exact')
    return byIndex ? searchByIndex(statements, query) : searchByScan(() => this.#open.statements, query, signal)
  }

  newest (statuses: readonly IndexedStatus[], limit: number): IndexedPin[] {
    const { statements } = this.#open
    const rows = statuses.flatMap(status => statements.page({ status: statusCodes[status], limit }))
    return rows.toSorted((a, b) => b.created - a.created).slice(0, limit)
  }

  following (created: Time | undefined, limit: number): IndexedPin[] {
    return this.#open.statements.following.all(created ?? Number.MIN_SAFE_INTEGER, limit).map(indexedPin)
  }

  size (): number { return this.#open.size }

  get #open (): Open {
    if (this.#opened == null) throw new ClusterError('NOT_READY', { component: this.name })
    return this.#opened
  }

  /** All or nothing. */
  #write<T> (change: (open: Open) => T): T {
    const open = this.#open
    const { size } = open
    try {
      open.db.exec('BEGIN')
      const result = change(open)
      open.db.exec('COMMIT')
      return result
    } catch (err) {
      open.size = size
      open.times.forget()
      if (open.db.isTransaction) open.db.exec('ROLLBACK')
      throw translated(err, this.#file)
    }
  }

  #openDatabase (): DatabaseSync {
    if (this.#file !== ':memory:') mkdirSync(dirname(this.#file), { recursive: true })
    try {
      const isSealed = unsealFile(this.#file)
      const db = openedDatabase(this.#file)
      if (isSealed || isSound(db)) return db
      db.close()
    } catch (err) {
      if (!isDamage(err)) throw translated(err, this.#file)
    }
    this.#log.warn('the index of pins is damaged and is made again from the pinset; the old file stays beside it', { file: this.#file })
    putAside(this.#file)
    return openedDatabase(this.#file)
  }
}

/** True when there was something to write. */
function putOne (open: Open, entry: IndexEntry, status: IndexedStatus): boolean {
  const { statements, times } = open
  const { cid, name } = entry
  const second = wholeSeconds(entry.timestamp)
  const metadata = metadataText(entry.metadata)
  const known = statements.entryOf.get(cid)
  if (isSameEntry(known, entry)) return false
  if (known == null) {
    statements.insert.run(times.take(second), cid, second, statusCodes[status], name, metadata)
    open.size++
  } else if (known[0] === second) statements.rename.run(name, metadata, cid)
  else statements.move.run(times.take(second), second, name, metadata, cid)
  return true
}

const isSameEntry = (known: Row | undefined, { name, metadata, timestamp }: IndexEntry): boolean =>
  known != null && known[0] === wholeSeconds(timestamp) && known[1] === name && known[2] === metadataText(metadata)

function openedDatabase (file: string): DatabaseSync {
  const db = new DatabaseSync(file)
  try {
    prepareDatabase(db, file)
    return db
  } catch (err) {
    db.close()
    throw err
  }
}

const codeOf = (err: unknown): number => (err as { errcode?: number }).errcode ?? 0

/** SQLITE_CORRUPT, SQLITE_NOTADB, or another checksum. */
const isDamage = (err: unknown): boolean => (isClusterError(err, 'INVALID_DATA') && err.details.version == null)
  || [11, 26].includes(codeOf(err) & 0xff)

/** Reads the whole database; after an unclean stop only. */
function isSound (db: DatabaseSync): boolean {
  return (db.prepare('PRAGMA quick_check(1)').get() as { quick_check?: string } | undefined)?.quick_check === 'ok'
}

function putAside (file: string): void {
  renameSync(file, `${file}.damaged`)
  for (const ending of ['-wal', '-shm', '.sealed']) rmSync(`${file}${ending}`, { force: true })
}

/** SQLITE_FULL is 13. */
function translated (err: unknown, file: string): unknown {
  if (isClusterError(err)) return err
  const code = (codeOf(err) & 0xff) === 13 ? 'STORAGE_FULL' : 'INTERNAL'
  return new ClusterError(code, { file }, { message: `the index of pins: ${messageOf(err)}`, cause: err })
}
