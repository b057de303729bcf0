import { sql } from 'kysely'
import type { Clock, Random } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { UserEvents } from '../events/user-events.ts'
import { opaqueId, uuid } from '../sql/ids.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { TaskRow } from '../sql/tables.ts'
import { finishedAlready, hasDue, json, leaseMs, revokeOpen, takeDue, taskChannel as channel } from './task-rows.ts'
import { recordTask } from './task-event.ts'
import { failed } from './task-failure.ts'
import type { TaskKind } from './task-failure.ts'
import { TaskRun } from './task-run.ts'
import type { HandleOptions, TaskHandler, Tasks } from './tasks.ts'

export interface TasksInit {
  /** Tasks that run at the same time on this peer. Default 4. */
  concurrency?: number
}

export interface TasksDeps {
  database: SqlDatabase
  /** Default: nobody is told. */
  events?: Pick<UserEvents, 'record'> | undefined
  clock: Clock
  random: Random
  log: Logger
  workers: Workers
}

/** `Tasks` in a table of the service. */
export function sqlTasks (init: TasksInit, deps: TasksDeps): Tasks {
  return new SqlTasks(init, deps)
}

const pollMs = 1000
const defaultConcurrency = 4
const sweepMs = 3_600_000
const keptMs = 30 * 24 * 3_600_000
const sweptAtOnce = 1000
const waitMs = 2000
const defaultListed = 100

class SqlTasks implements Tasks {
  readonly name = 'service-tasks'
  readonly #concurrency: number
  readonly #deps: TasksDeps
  readonly #kinds = new Map<string, TaskKind>()
  readonly #running = new Set<{ run: TaskRun, ended: Promise<void> }>()
  #handles: WorkerHandle[] = []
  #unlisten: (() => void) | undefined
  #isStopping = false

  constructor ({ concurrency = defaultConcurrency }: TasksInit, deps: TasksDeps) {
    this.#concurrency = concurrency
    this.#deps = deps
  }

  handle<Input> (kind: string, handler: TaskHandler<Input>, { version = 1, onFailure }: HandleOptions<Input> = {}): void {
    if (this.#kinds.has(kind)) throw new ClusterError('INTERNAL', { kind }, { message: 'a kind of task has one handler' })
    this.#kinds.set(kind, { handler, version, onFailure } as TaskKind)
  }

  async start (): Promise<void> {
    const { database, workers } = this.#deps
    this.#unlisten = database.listen(channel, id => this.#heard(id))
    this.#handles = [
      workers.add({ name: 'service-tasks', jitter: 0.2, intervalMs: () => pollMs, work: async () => this.#takeOne() }),
      workers.add({ name: 'service-task-leases', intervalMs: () => leaseMs / 3, work: async () => this.#renewLeases() }),
      workers.add({ name: 'service-task-sweep', jitter: 0.3, intervalMs: () => sweepMs, work: async () => this.#sweep() })
    ]
  }

  async drain (): Promise<void> {
    this.#isStopping = true
    for (const { run } of this.#running) run.interrupt()
    await Promise.all(Array.from(this.#running, ({ ended }) => ended))
  }

  async stop (): Promise<void> {
    await this.drain()
    this.#unlisten?.()
    await Promise.all(this.#handles.map(handle => handle.stop()))
    // what was being taken while we stopped
    await this.drain()
  }

  async create (tx: Sql, user: string | null, kind: string, input: unknown): Promise<string> {
    const { database, random } = this.#deps
    const id = uuid(random)
    const now = database.now()
    await tx.insertInto('tasks').values({
      id, user_id: user, kind, version: this.#kinds.get(kind)?.version ?? 1, input: json(input), state: 'PENDING', run_at: now,
      created_at: now
    }).execute()
    await database.notify(tx, channel, id)
    await recordTask(tx, { id, user_id: user, kind, state: 'PENDING' }, { events: this.#deps.events, type: 'task.created' })
    return id
  }

  async get (user: string, id: string): Promise<TaskRow> {
    const row = await this.#deps.database.db.selectFrom('tasks').selectAll().where('id', '=', id).where('user_id', '=', user)
      .executeTakeFirst()
    if (row == null) throw new ClusterError('NOT_FOUND', { task: id.slice(0, 100) }, { message: 'there is no such task' })
    return row
  }

  async list (user: string, { limit = defaultListed }: { limit?: number } = {}): Promise<TaskRow[]> {
    return this.#deps.database.db.selectFrom('tasks').selectAll().where('user_id', '=', user).orderBy('created_at', 'desc').orderBy('id')
      .limit(limit).execute()
  }

  async revoke (user: string, id: string): Promise<void> {
    const { database } = this.#deps
    const after = await database.transaction(async tx => this.revokeWithin(tx, { id, user }))
    if (after != null) return await after()
    const { state } = await this.get(user, id)
    throw finishedAlready(id, state)
  }

  async revokeWithin (tx: Sql, task: { id: string, user?: string }): Promise<(() => Promise<void>) | undefined> {
    const { database } = this.#deps
    const row = await revokeOpen(tx, { ...task, now: database.now() })
    if (row == null) return undefined
    await database.notify(tx, channel, row.id)
    await recordTask(tx, { ...row, state: 'REVOKED' }, this.#deps)
    return await failed(tx, row, this.#kinds.get(row.kind), { state: 'REVOKED', error: 'the task was revoked' }) ?? (async () => {})
  }

  wake (): void { this.#handles[0]?.wake() }

  async finished (user: string, id: string, { signal }: { signal?: AbortSignal } = {}): Promise<TaskRow> {
    for (;;) {
      signal?.throwIfAborted()
      const told = this.#told(id, signal)
      const row = await this.get(user, id)
      if (row.completed_at != null) {
        told.cancel()
        return row
      }
      await told.promise
    }
  }

  /** Resolves when something about the task is told, or after a while. */
  #told (id: string, signal?: AbortSignal): { promise: Promise<void>, cancel: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const unlisten = this.#deps.database.listen(channel, about => { if (about == null || about === id) resolve() })
    const stopTimer = this.#deps.clock.after(waitMs, resolve)
    signal?.addEventListener('abort', () => resolve(), { once: true })
    const cancel = (): void => {
      unlisten()
      stopTimer()
    }
    return { promise: promise.finally(cancel), cancel }
  }

  #heard (id: string | null): void {
    this.wake()
    // of a task that runs here, what is told may be that it was revoked
    for (const { run } of this.#running) {
      if (id == null || run.row.id === id) void run.renewLease().catch(() => {}) // the worker tries again
    }
  }

  /** The worker comes again at once until there is nothing, or enough. */
  async #takeOne (): Promise<'busy' | 'idle'> {
    const { database, random } = this.#deps
    const kinds = [...this.#kinds.keys()]
    if (this.#isStopping || kinds.length === 0 || this.#running.size >= this.#concurrency) return 'idle'
    if (!await hasDue(database, { kinds, now: database.now() })) return 'idle'
    const token = opaqueId(random)
    const row = await database.transaction(async tx => {
      const taken = await takeDue(tx, { kinds, kind: database.kind, token, now: database.now() })
      if (taken?.attempts === 1) await recordTask(tx, taken, this.#deps)
      return taken
    })
    if (row == null) return 'idle'
    this.#begin(row, token)
    return 'busy'
  }

  #begin (row: TaskRow, token: string): void {
    const run = new TaskRun(row, token, { ...this.#deps, channel, kind: this.#kinds.get(row.kind)! })
    const entry = {
      run,
      ended: run.run().then(() => {
        this.#running.delete(entry)
        this.wake()
      })
    }
    this.#running.add(entry)
    if (this.#isStopping) run.interrupt()
  }

  async #renewLeases (): Promise<'idle'> {
    for (const { run } of this.#running) await run.renewLease()
    return 'idle'
  }

  async #sweep (): Promise<'busy' | 'idle'> {
    const { database } = this.#deps
    const { numDeletedRows } = await database.transaction(tx => tx.deleteFrom('tasks')
      .where(
        'id', 'in',
        sql<string>`(select id from tasks where completed_at is not null and completed_at < ${database.now() - keptMs} limit ${sql.lit(sweptAtOnce)})`
      ).executeTakeFirst())
    return Number(numDeletedRows) === sweptAtOnce ? 'busy' : 'idle'
  }
}
