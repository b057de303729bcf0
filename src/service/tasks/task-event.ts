import { shortText } from '../../events/events.ts'
import type { NewUserEvent, UserEvents } from '../events/user-events.ts'
import type { Sql } from '../sql/sql.ts'
import type { TaskRow } from '../sql/tables.ts'

export interface RecordDeps { events?: Pick<UserEvents, 'record'> | undefined, type?: NewUserEvent['type'] }

/** `progress`: as it is, before it is JSON. */
type Told = Pick<TaskRow, 'id' | 'user_id' | 'kind' | 'state'> & { progress?: unknown, error?: string | null }

const longestProgress = 1024

/** Tells the owner of a task; the service's own have none. */
export async function recordTask (
  tx: Sql, { id, user_id: user, kind, state, progress, error }: Told, { events, type = 'task.status' }: RecordDeps
): Promise<void> {
  if (user == null || events == null) return
  const isShort = type === 'task.progress' && JSON.stringify(progress ?? null).length <= longestProgress
  await events.record(tx, [{
    user, type, data: { task_id: id, kind, state, ...(isShort ? { progress } : {}), ...(error == null ? {} : { error: shortText(error) }) }
  }])
}
