import { z } from 'zod'
import { actorOf } from '../../../service/accounts/accounts-deps.ts'
import { taskStates } from '../../../service/sql/tables.ts'
import type { TaskOverview, TaskSummary } from '../../../service/tasks/task-overview.ts'
import { success, successDoc, time, timeOrNull, timeText } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { cursor, nextPage, queryInt } from './fields.ts'

const task = z.object({
  task_id: z.uuid(),
  user_id: z.string().nullable().describe('null: a task of the service itself.'),
  email: z.string().nullable(),
  kind: z.string(),
  state: z.enum(taskStates),
  progress: z.record(z.string(), z.number()).describe('The figures of its progress.'),
  error: z.string().nullable(),
  attempts: z.int(),
  run_at: time.describe('Not to be begun before.'),
  created_at: time,
  started_at: time.nullable(),
  completed_at: time.nullable()
})
const tag = 'Admin'

/** Everybody's long work, for admins: how it goes, and a way to end it. What it is about is its owner's. */
export function adminTaskRoutes ({ overview }: { overview: TaskOverview }): ServiceRoute[] {
  return [
    serviceRoute({
      method: 'GET',
      path: '/api/v1/admin/tasks',
      access: 'admin',
      query: z.object({
        user: z.string().max(64).optional().describe('ID of a user.'),
        state: z.enum(taskStates).optional(),
        kind: z.string().max(64).optional(),
        cursor: cursor.optional(),
        limit: queryInt(1, 1000).optional()
      }),
      doc: {
        tag, summary: 'The tasks of everybody, newest first.',
        responses: [successDoc(z.array(task), { more: nextPage })]
      },
      handler: async ({ query: { limit, ...query } }) => {
        const { tasks, next } = await overview.list({ ...query, limit: limit ?? 100 })
        return success({ data: tasks.map(taskJson), more: { next_cursor: next } })
      }
    }),
    serviceRoute({
      method: 'DELETE',
      path: '/api/v1/admin/tasks/{task_id}',
      access: 'admin',
      doc: {
        tag,
        summary: 'End a task of anybody: its state becomes REVOKED.',
        params: { task_id: 'As in the list.' },
        responses: [
          successDoc(undefined, { message: true }), { status: 404, about: 'There is no such task.' },
          { status: 409, about: 'It is finished.' }
        ]
      },
      handler: async ({ params: { task_id: id = '' }, caller }) => {
        await overview.revoke(id, actorOf(caller))
        return success({ message: 'Task revoked successfully' })
      }
    })
  ]
}

function taskJson (row: TaskSummary): z.infer<typeof task> {
  return {
    task_id: row.id,
    user_id: row.user_id,
    email: row.email,
    kind: row.kind,
    state: row.state,
    progress: figuresIn(row.progress),
    error: row.error,
    attempts: row.attempts,
    run_at: timeText(row.run_at),
    created_at: timeText(row.created_at),
    started_at: timeOrNull(row.started_at),
    completed_at: timeOrNull(row.completed_at)
  }
}

/** Progress may tell of content, in lists and texts: what an admin needs of it are the numbers. */
function figuresIn (progress: string | null): Record<string, number> {
  const all: unknown = progress == null ? null : JSON.parse(progress)
  return typeof all !== 'object' || all == null
    ? {}
    : Object.fromEntries(Object.entries(all).filter(([, value]) => typeof value === 'number'))
}
