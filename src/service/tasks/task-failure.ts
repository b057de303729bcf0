import type { Sql } from '../sql/sql.ts'
import type { TaskRow } from '../sql/tables.ts'
import type { FailedTask, TaskFailure, TaskHandler } from './tasks.ts'

/** What was said of a kind of task, see `Tasks.handle`. */
export interface TaskKind { handler: TaskHandler<unknown>, version: number, onFailure: TaskFailure<unknown> | undefined }

/** Has what the task held given back. What it gives is to be called after the commit. */
export async function failed (
  tx: Sql, row: TaskRow, kind: TaskKind | undefined, end: Pick<FailedTask<unknown>, 'state' | 'error'>
): Promise<(() => Promise<void>) | undefined> {
  const { id, user_id: user, version, input } = row
  return await kind?.onFailure?.(tx, { id, user, version, input: JSON.parse(input) as unknown, ...end })
}
