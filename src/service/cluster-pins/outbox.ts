import type { ErrorCode } from '../../base/errors.ts'
import { answerText, isClusterError } from '../../base/errors.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import { formatTime } from '../../model/time.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { ClusterPinRow } from '../sql/tables.ts'
import type { ApplyDeps, Outcome } from './apply.ts'
import { applyRow, undoPin } from './apply.ts'
import type { ClusterPinStatus, StatusesListener } from './cluster-pins.ts'
import type { NewStatus } from './rows.ts'
import { applyAgain, nextDue, noteStatuses, ofMany, rowsOf, takeDue } from './rows.ts'
import { firstWaitMs } from './status-follower.ts'

export interface OutboxDeps extends ApplyDeps {
  database: SqlDatabase
  listeners: readonly StatusesListener[]
  log: Logger
  /** Told after each batch: what was done, and what the cluster refused. */
  done: (results: readonly Applied[]) => void
}

/** What became of one row. `err`: why it failed. */
export interface Applied { cid: string, kind: Outcome['kind'], err?: unknown }

/** How many items are changed side by side: the cluster writes them in one commit. */
const batchSize = 128
/** Whoever took a row has it for so long. */
const leaseMs = 60_000
const firstBackOffMs = 1000
const longestBackOffMs = 600_000
/** Looked for again after this time even if nobody says that there is work: what another peer has to do, and what a dead peer had taken. */
const idleMs = 5000

/** The cluster says no, and will say it again. */
const refusals: ReadonlySet<ErrorCode> = new Set<ErrorCode>(
  ['DENIED', 'PIN_REFUSED', 'PIN_TOO_LARGE', 'INVALID_CID', 'INVALID_ARGUMENT', 'UNSUPPORTED']
)

interface Done { row: ClusterPinRow, outcome: Outcome }

/** Makes the pinset as the rows want it: takes what is due, changes the cluster, notes what came of it. */
export class Outbox implements Worker {
  readonly name = 'service outbox'
  readonly #deps: OutboxDeps
  #waitMs = 0

  constructor (deps: OutboxDeps) { this.#deps = deps }

  intervalMs (): number { return this.#waitMs }

  /** What was due when the process ended is due now. */
  async begin (): Promise<void> {
    const { database } = this.#deps
    const now = database.now()
    await database.transaction(async tx => {
      await tx.updateTable('cluster_pins').set({ next_try_at: now }).where('applied', '=', 0).where('next_try_at', '>', now).execute()
    })
  }

  async work (): Promise<'busy' | 'idle'> {
    const { database } = this.#deps
    this.#waitMs = idleMs
    const due = await nextDue(database.db, 0)
    const now = database.now()
    if (due == null || due > now) {
      this.#waitMs = due == null ? idleMs : Math.min(idleMs, due - now)
      return 'idle'
    }
    const rows = await database.transaction(async tx => takeDue(tx, { applied: 0, limit: batchSize, now: database.now(), leaseMs }), ofMany)
    const results = await Promise.all(rows.map(async row => ({ row, outcome: await applyRow(row, this.#deps) })))
    await this.#note(results)
    await yieldToEventLoop()
    return 'busy'
  }

  async #note (results: readonly Done[]): Promise<void> {
    const { database, done, log } = this.#deps
    const lost = await database.transaction(async tx => this.#noteAll(tx, results), ofMany)
    for (const cid of lost) {
      await undoPin(cid, this.#deps).catch(err => log.warn('a pin without owners could not be removed', { cid, err }))
    }
    for (const { row: { cid }, outcome } of results) {
      if (outcome.kind === 'failed') log.debug('the cluster did not take a change', { cid, err: outcome.err })
    }
    done(
      results.map(({ row: { cid }, outcome }) => ({ cid, kind: outcome.kind, ...(outcome.kind === 'failed' ? { err: outcome.err } : {}) }))
    )
  }

  /**
   * A row whose desired state has changed meanwhile is left to its own turn, except for what it can't know. Gives what was pinned for
   * nobody.
   */
  async #noteAll (tx: Sql, results: readonly Done[]): Promise<string[]> {
    const { database, listeners } = this.#deps
    const now = database.now()
    const current = new Map((await rowsOf(tx, results.map(({ row }) => row.cid))).map(row => [row.cid, row]))
    const isCurrent = ({ row }: Done): boolean => current.get(row.cid)?.changed_at === row.changed_at
    const fresh = results.filter(isCurrent)
    await this.#noteDone(tx, fresh, now)
    const failures = fresh.flatMap(
      ({ row: { cid }, outcome }) => outcome.kind === 'failed' ? [{ row: current.get(cid)!, err: outcome.err }] : []
    )
    const statuses: NewStatus[] = []
    for (const failure of failures) statuses.push(...await this.#noteFailure(tx, failure, now))
    await noteStatuses(tx, statuses, listeners)
    for (const { row: { cid }, outcome } of results.filter(result => !isCurrent(result))) {
      const row = current.get(cid)
      // what was wanted again while it was being removed
      if (row?.want === 'pin' && outcome.kind === 'gone') await applyAgain(tx, row, now)
    }
    return results.filter(
      ({ row: { cid }, outcome }) => !current.has(cid) && outcome.kind === 'there' && outcome.made
    ).map(({ row }) => row.cid)
  }

  async #noteDone (tx: Sql, results: readonly Done[], now: number): Promise<void> {
    const cidsOf = (test: (outcome: Outcome) => boolean): string[] =>
      results.filter(({ outcome }) => test(outcome)).map(({ row }) => row.cid)
    const gone = cidsOf(({ kind }) => kind === 'gone')
    if (gone.length > 0) await tx.deleteFrom('cluster_pins').where('cid', 'in', gone).execute()
    for (const made of [true, false]) {
      const there = cidsOf(outcome => outcome.kind === 'there' && outcome.made === made)
      if (there.length > 0) {
        await tx.updateTable('cluster_pins').set({
          applied: 1, made: made ? 1 : 0, tries: 0, next_try_at: now + firstWaitMs
        }).where('cid', 'in', there).execute()
      }
    }
  }

  async #noteFailure (tx: Sql, { row, err }: { row: ClusterPinRow, err: unknown }, now: number): Promise<NewStatus[]> {
    const nextTryAt = now + Math.min(longestBackOffMs, firstBackOffMs * 2 ** Math.min(row.tries, 20))
    await tx.updateTable('cluster_pins').set({ tries: row.tries + 1, next_try_at: nextTryAt }).where('cid', '=', row.cid).execute()
    return row.want === 'pin' ? [{ row, status: failedStatus(row, { err, nextTryAt }) }] : []
  }
}

/** A refusal is a failure; what is only not possible now waits. */
function failedStatus (row: ClusterPinRow, { err, nextTryAt }: { err: unknown, nextTryAt: number }): ClusterPinStatus {
  const isRefused = isClusterError(err) && refusals.has(err.code)
  const info = {
    waiting_for: isRefused ? 'the next try' : 'the cluster, which does not take the pin now',
    since: formatTime(row.changed_at),
    error: answerText(err).slice(0, 500),
    next_try: formatTime(nextTryAt)
  }
  return { state: isRefused ? 'failed' : 'queued', replicas: 0, wanted: 0, info }
}
