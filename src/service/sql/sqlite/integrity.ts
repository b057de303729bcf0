import { statSync } from 'node:fs'
import { Worker as Thread } from 'node:worker_threads'
import { ClusterError, isClusterError, messageOf } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import type { Worker } from '../../../base/worker.ts'
import type { SqliteConnectionFile } from './dialect.ts'
import { sqliteError } from './errors.ts'

/** Looked through before anything is done with it; a larger file would hold the start up (4 ms for each MB). */
const smallBytes = 32 * 2 ** 20
const shownFaults = 3
const firstMs = 30_000
const dayMs = 24 * 60 * 60_000

/** A file that isn't what was written into it. Its text is for the operator. */
function damaged (file: string, what: string): ClusterError {
  const advice =
    `stop the peer, look at the disk, and put back a backup; what can be read of it: sqlite3 ${file} .recover (see docs/operations/troubleshooting.md)`
  return new ClusterError(
    'INVALID_DATA', { file, damaged: true }, { message: `the service's database ${file} is damaged (${what}): ${advice}` }
  )
}

/** What was thrown while a database was opened or copied; damage with what to do about it. */
export function openingError (err: unknown, file: string): unknown {
  const told = sqliteError(err, file)
  if (!isClusterError(told, 'INTERNAL') || told.details['damaged'] !== true) return told
  return damaged(file, messageOf(told.cause ?? told))
}

/** Whether pages and rows of a small file fit together; values in them have no checksums. Throws INVALID_DATA. */
export function checkSmall (connection: SqliteConnectionFile, file: string): void {
  if (statSync(file).size > smallBytes) return
  const { rows } = connection.query<{ quick_check: string }>(`pragma quick_check(${shownFaults})`)
  const faults = rows.map(row => row.quick_check).filter(text => text !== 'ok')
  if (faults.length > 0) throw damaged(file, faults.join('; '))
}

export interface IntegrityCheckDeps {
  log: Logger
  /** Told of the first fault. */
  onDamage: (err: ClusterError) => void
}

/**
 * Compares all tables with their indexes, soon after the start and every day: in a thread, because it takes seconds (15 ms for each MB).
 */
export class IntegrityCheck implements Worker {
  readonly name = 'service-database-check'
  readonly runAtStart = false
  readonly #file: string
  readonly #deps: IntegrityCheckDeps
  #hasRun = false

  constructor (file: string, deps: IntegrityCheckDeps) {
    this.#file = file
    this.#deps = deps
  }

  intervalMs (): number { return this.#hasRun ? dayMs : firstMs }

  async work (signal: AbortSignal): Promise<'idle'> {
    const faults = await faultsOf(this.#file, signal)
    this.#hasRun = true
    if (faults.length > 0) this.#deps.onDamage(damaged(this.#file, faults.join('; ')))
    else this.#deps.log.debug('the service\'s database fits together')
    return 'idle'
  }
}

/** A script of its own, so that a bundle needs no other file for it. */
const script = `
  const { parentPort, workerData: { file, most } } = require('node:worker_threads')
  const { DatabaseSync } = require('node:sqlite')
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  parentPort.postMessage(db.prepare('pragma integrity_check(' + most + ')').all().map(row => row.integrity_check))
  db.close()
`

/** SQLITE_CORRUPT, SQLITE_NOTADB: found while it looked. */
const isDamage = ({ errcode }: { errcode?: number }): boolean => errcode != null && [11, 26].includes(errcode & 0xff)

async function faultsOf (file: string, signal: AbortSignal): Promise<string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<string[]>()
  const thread = new Thread(script, { eval: true, workerData: { file, most: shownFaults } })
  const abort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  thread.once('message', (lines: string[]) => resolve(lines.filter(line => line !== 'ok')))
  thread.once('error', err => isDamage(err) ? resolve([err.message]) : reject(err))
  thread.once('exit', () => reject(new ClusterError('INTERNAL', {}, { message: 'the check of the service\'s database ended early' })))
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', abort)
    await thread.terminate()
  }
}
