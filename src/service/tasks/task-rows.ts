import { sql } from 'kysely'
import type { SqlBool } from 'kysely'
import { ClusterError } from '../../base/errors.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { TaskRow, TaskState } from '../sql/tables.ts'

/** Told with a task's id whenever its state changes. */
export const taskChannel = 'tasks'

/** A lease ends unless it is renewed. */
export const leaseMs = 30_000
const runningOfUser = 2

/** In the words of the partial index. */
const isOpen = sql<SqlBool>`state in ('PENDING', 'STARTED')`

interface Due { kinds: readonly string[], now: number }

/** The task whose turn it is; nobody has more than two running. */
function due (db: Pick<Sql, 'selectFrom'>, { kinds, now }: Due) {
  return db.selectFrom('tasks').select('id').where(isOpen).where('run_at', '<=', now).where('kind', 'in', kinds)
    .where(sql<SqlBool>`(state = 'PENDING' or lease_until <= ${now})`)
    .where(sql<SqlBool>`(user_id is null or (select count(*) from tasks as running
      where running.user_id = tasks.user_id and running.state = 'STARTED' and running.lease_until > ${now}) < ${runningOfUser})`)
    .orderBy('run_at').orderBy('id').limit(1)
}

/** Whether a task waits for somebody to take it. */
export async function hasDue (database: SqlDatabase, due_: Due): Promise<boolean> {
  return await due(database.db, due_).executeTakeFirst() != null
}

/** Takes it, with a lease in the name of `token`; undefined when there is none. Peers of a PostgreSQL don't wait for each other here. */
export async function takeDue (
  tx: Sql, { kind, token, ...wanted }: Due & { kind: SqlDatabase['kind'], token: string }
): Promise<TaskRow | undefined> {
  const query = due(tx, wanted)
  const found = await (kind === 'postgres' ? query.forUpdate('tasks').skipLocked() : query).executeTakeFirst()
  if (found == null) return undefined
  return tx.updateTable('tasks').set({
    state: 'STARTED', lease_owner: token, lease_until: wanted.now + leaseMs, attempts: sql<number>`attempts + 1`,
    started_at: sql<number>`coalesce(started_at, ${wanted.now})`
  }).where('id', '=', found.id).returningAll().executeTakeFirst()
}

/** Changes of a task by who has its lease: all of them are false when that is gone. */
export async function renew (tx: Sql, lease: Lease, now: number): Promise<boolean> {
  return changed(await ofLease(tx, lease).set({ lease_until: now + leaseMs }).executeTakeFirst())
}

/** A task that gets on may be begun again as often as a new one. */
export async function noteProgress (tx: Sql, lease: Lease, value: unknown): Promise<boolean> {
  return changed(await ofLease(tx, lease).set({ progress: json(value), attempts: 1 }).executeTakeFirst())
}

/** Ends a task that this lease still holds; false when another one has it by now. */
export async function end (
  tx: Sql, lease: Lease, { state, now, result, error }: { state: TaskState, now: number, result?: unknown, error?: string }
): Promise<boolean> {
  return changed(await ofLease(tx, lease).set({
    state, completed_at: now, lease_owner: null, lease_until: null, result: result === undefined ? null : json(result), error: error ?? null
  }).executeTakeFirst())
}

/** Whoever may: `user` is the owner, where it has to be. Undefined when it is finished, or not theirs. */
export async function revokeOpen (tx: Sql, { id, user, now }: { id: string, user?: string, now: number }): Promise<TaskRow | undefined> {
  const query = tx.updateTable('tasks').set({
    state: 'REVOKED', completed_at: now, lease_owner: null, lease_until: null
  }).where('id', '=', id).where('state', 'in', ['PENDING', 'STARTED'])
  return await (user == null ? query : query.where('user_id', '=', user)).returningAll().executeTakeFirst()
}

/** Back into the queue: after an error that may pass. */
export async function postpone (tx: Sql, lease: Lease, { runAt, error }: { runAt: number, error: string }): Promise<boolean> {
  return changed(
    await ofLease(tx, lease).set({ state: 'PENDING', run_at: runAt, lease_owner: null, lease_until: null, error }).executeTakeFirst()
  )
}

/** Back into the queue for whoever wants it next; this attempt counts nothing. */
export async function giveBack (tx: Sql, lease: Lease): Promise<boolean> {
  return changed(
    await ofLease(tx, lease).set({ lease_owner: null, lease_until: 0, attempts: sql<number>`attempts - 1` }).executeTakeFirst()
  )
}

/** That a task is this peer's: its ID, and a token that the next one to take it replaces. */
export interface Lease { id: string, token: string }

const ofLease = (tx: Sql, { id, token }: Lease) =>
  tx.updateTable('tasks').where('id', '=', id).where('lease_owner', '=', token).where('state', '=', 'STARTED')
const changed = ({ numUpdatedRows }: { numUpdatedRows: bigint }): boolean => numUpdatedRows > 0n

/** CONFLICT for a task that has ended. */
export const finishedAlready = (task: string, state: TaskState): ClusterError =>
  new ClusterError('CONFLICT', { task, state }, { message: `the task is finished already (${state})` })

/** A value as a column keeps it; nothing is `null`. */
export const json = (value: unknown): string => JSON.stringify(value ?? null)
