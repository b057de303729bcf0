import type { Random } from '../../base/clock.ts'
import { answerText, ClusterError, isClusterError } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { UserEvents } from '../events/user-events.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { TaskRow } from '../sql/tables.ts'
import { recordTask } from './task-event.ts'
import { end, giveBack, leaseMs, noteProgress, postpone, renew } from './task-rows.ts'
import type { Lease } from './task-rows.ts'
import { failed } from './task-failure.ts'
import type { TaskKind } from './task-failure.ts'

/** What passes by itself. */
const passing: readonly ErrorCode[] = ['NOT_READY', 'TIMEOUT', 'IPFS_UNAVAILABLE']
/** Failures that may pass by themselves are tried again; a task that comes this far fails for good. */
const maxAttempts = 10
const firstPauseMs = 2000
const longestPauseMs = 600_000

export interface TaskRunDeps {
  database: SqlDatabase
  /** Default: nobody is told. */
  events?: Pick<UserEvents, 'record'> | undefined
  log: Logger
  random: Random
  channel: string
  kind: TaskKind
}

/** One attempt at a task by this peer: it holds the task's lease, notes progress, and is aborted when another peer has taken over. */
export class TaskRun {
  readonly row: TaskRow
  readonly #lease: Lease
  readonly #deps: TaskRunDeps
  readonly #abort = new AbortController()
  #leaseUntil: number
  #isLost = false

  constructor (row: TaskRow, token: string, deps: TaskRunDeps) {
    this.row = row
    this.#lease = { id: row.id, token }
    this.#deps = deps
    this.#leaseUntil = deps.database.now() + leaseMs
  }

  /** Never rejects; resolves when the handler is done with it and the row says how. */
  async run (): Promise<void> {
    try {
      const outcome = await this.#outcome()
      if (!this.#isLost) await this.#note(outcome)
    } catch (err) {
      // its lease will end, and somebody takes it again
      this.#deps.log.warn('the end of a task could not be stored', { task: this.row.id, kind: this.row.kind, err })
    }
  }

  /** The task isn't ours any more: nothing more is written. */
  lose (reason: string): void {
    this.#isLost = true
    this.#abort.abort(new ClusterError('CONFLICT', { task: this.row.id }, { message: reason }))
  }

  /** The peer stops. */
  interrupt (): void { this.#abort.abort(new ClusterError('NOT_READY', {}, { message: 'the peer stops' })) }

  async renewLease (): Promise<void> {
    const { database } = this.#deps
    const now = database.now()
    try {
      if (await database.transaction(tx => renew(tx, this.#lease, now))) this.#leaseUntil = now + leaseMs
      else this.lose('the task was revoked, or taken by another peer')
    } catch (err) {
      if (database.now() >= this.#leaseUntil) this.lose('the lease of the task could not be renewed')
      throw err
    }
  }

  async #outcome (): Promise<Outcome> {
    const { row } = this
    if (row.attempts > maxAttempts) return { state: 'FAILURE', error: row.error ?? 'it was begun again and again without getting on' }
    const task = {
      id: row.id, user: row.user_id, version: row.version, input: JSON.parse(row.input) as unknown,
      progress: row.progress == null ? null : JSON.parse(row.progress) as unknown,
      attempt: row.attempts
    }
    try {
      const result = await this.#deps.kind.handler(task, { signal: this.#abort.signal, progress: (value, tx) => this.#progress(value, tx) })
      return { state: 'SUCCESS', result }
    } catch (err) {
      return this.#failed(err)
    }
  }

  #failed (err: unknown): Outcome {
    if (this.#abort.signal.aborted) return { state: 'interrupted' }
    const { row } = this
    const { database, log, random } = this.#deps
    const error = answerText(err)
    if (!isClusterError(err) || !passing.includes(err.code) || row.attempts >= maxAttempts) {
      log.warn('a task failed', { task: row.id, kind: row.kind, attempt: row.attempts, err })
      return { state: 'FAILURE', error }
    }
    const pauseMs = Math.min(firstPauseMs * 2 ** (row.attempts - 1), longestPauseMs) * (0.75 + random.float() / 2)
    log.info('a task is tried again', { task: row.id, kind: row.kind, attempt: row.attempts, pauseMs: Math.round(pauseMs), err })
    return { state: 'postponed', runAt: Math.round(database.now() + pauseMs), error }
  }

  async #note (outcome: Outcome): Promise<void> {
    const { database, channel } = this.#deps
    const after = await database.transaction(async tx => {
      await database.notify(tx, channel, this.row.id)
      if (outcome.state === 'interrupted') await giveBack(tx, this.#lease)
      else if (outcome.state === 'postponed') await postpone(tx, this.#lease, outcome)
      else if (await end(tx, this.#lease, { ...outcome, now: database.now() })) return await this.#ended(tx, outcome)
      return undefined
    })
    await after?.()
  }

  /** Gives what is to be done after the commit. */
  async #ended (tx: Sql, outcome: Extract<Outcome, { state: 'SUCCESS' | 'FAILURE' }>): Promise<(() => Promise<void>) | undefined> {
    await recordTask(tx, { ...this.row, ...outcome }, this.#deps)
    return outcome.state === 'FAILURE' ? await failed(tx, this.row, this.#deps.kind, outcome) : undefined
  }

  async #progress (value: unknown, tx?: Sql): Promise<void> {
    const note = async (within: Sql): Promise<boolean> => {
      const isNoted = await noteProgress(within, this.#lease, value)
      if (isNoted) await recordTask(within, { ...this.row, progress: value }, { events: this.#deps.events, type: 'task.progress' })
      return isNoted
    }
    const isNoted = tx == null ? await this.#deps.database.transaction(note) : await note(tx)
    if (isNoted) return
    this.lose('the task was revoked, or taken by another peer')
    throw new ClusterError('CONFLICT', { task: this.row.id }, { message: 'the task was revoked, or taken by another peer' })
  }
}

type Outcome =
  | { state: 'SUCCESS', result: unknown }
  | { state: 'FAILURE', error: string }
  | { state: 'interrupted' }
  | { state: 'postponed', runAt: number, error: string }
