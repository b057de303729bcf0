import { ClusterError } from '../../base/errors.ts'
import type { Actor } from '../accounts/accounts-deps.ts'
import type { AuditLog } from '../audit-log/audit-log.ts'
import { pageOf, placeInTime, timeCursor } from '../sql/pages.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { TaskRow, TaskState } from '../sql/tables.ts'
import { finishedAlready } from './task-rows.ts'
import type { Tasks } from './tasks.ts'

export interface TaskOverviewDeps {
  database: Pick<SqlDatabase, 'db' | 'transaction'>, tasks: Pick<Tasks, 'revokeWithin'>, audit: Pick<AuditLog, 'record'>
}

/** Which part of the list of tasks. */
export interface TaskQuery {
  /** ID of whose they are. */
  user?: string | undefined
  state?: TaskState | undefined
  kind?: string | undefined
  /** `next` of the page before. */
  cursor?: string | undefined
  /** 1 to 1000. */
  limit: number
}

/** A task as an admin sees it: whose it is and how it goes; not what was asked for, and not what came of it. */
export type TaskSummary = Omit<TaskRow, 'input' | 'result'> & {
  /** null: the service's own. */
  email: string | null
}

const columns = [
  'tasks.id', 'tasks.user_id', 'tasks.kind', 'tasks.version', 'tasks.state', 'tasks.progress', 'tasks.error', 'tasks.attempts',
  'tasks.run_at', 'tasks.lease_owner',
  'tasks.lease_until', 'tasks.created_at', 'tasks.started_at', 'tasks.completed_at', 'users.email as email'
] as const

/** Tasks of all users, for admins: lists them page by page, and ends one. */
export class TaskOverview {
  readonly #deps: TaskOverviewDeps

  constructor (deps: TaskOverviewDeps) { this.#deps = deps }

  /** Newest first. `next` is null on the last page. INVALID_ARGUMENT for a cursor that isn't one. */
  async list ({ user, state, kind, cursor, limit }: TaskQuery): Promise<{ tasks: TaskSummary[], next: string | null }> {
    let query = this.#deps.database.db.selectFrom('tasks').leftJoin('users', 'users.id', 'tasks.user_id').select([...columns])
    if (user != null) query = query.where('tasks.user_id', '=', user)
    if (state != null) query = query.where('tasks.state', '=', state)
    if (kind != null) query = query.where('tasks.kind', '=', kind)
    if (cursor != null) {
      const { at, id } = placeInTime(cursor, /^[0-9a-f-]{36}$/)
      query = query.where(
        ({ eb, or, and }) => or([eb('tasks.created_at', '<', at), and([eb('tasks.created_at', '=', at), eb('tasks.id', '<', id)])])
      )
    }
    const rows = await query.orderBy('tasks.created_at', 'desc').orderBy('tasks.id', 'desc').limit(limit + 1).execute()
    const { page, next } = pageOf(rows, limit, last => timeCursor(last.created_at, last.id))
    return { tasks: page, next }
  }

  /** Ends it without a result, as its owner can. NOT_FOUND for unknown ones; CONFLICT when it is finished. */
  async revoke (id: string, actor: Actor): Promise<void> {
    const { database, tasks, audit } = this.#deps
    const after = await database.transaction(async tx => {
      const task = await tx.selectFrom('tasks').select(['user_id', 'kind', 'state']).where('id', '=', id).executeTakeFirst()
      if (task == null) throw new ClusterError('NOT_FOUND', { task: id.slice(0, 100) }, { message: 'there is no such task' })
      const after = await tasks.revokeWithin(tx, { id })
      if (after == null) throw finishedAlready(id, task.state)
      await audit.record(tx, { ...actor, user: task.user_id, action: 'task-revoke', object: id, details: { kind: task.kind } })
      return after
    })
    await after()
  }
}
