import { z } from 'zod'
import type { TaskRow } from '../../../service/sql/tables.ts'
import { taskStates } from '../../../service/sql/tables.ts'
import type { Tasks } from '../../../service/tasks/tasks.ts'
import { success, successDoc, time, timeOrNull, timeText } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { queryInt } from './fields.ts'

const task = z.object({
  task_id: z.uuid(),
  kind: z.string(),
  state: z.enum(taskStates),
  progress: z.unknown().describe('How far it is, as the kind of task has it.'),
  result: z.unknown().describe('null until it has succeeded.'),
  error: z.string().nullable(),
  created_at: time,
  started_at: time.nullable(),
  completed_at: time.nullable()
})
const tag = 'Tasks'
const params = { task_id: 'The UUID that was given when the task was started.' }

/** Long work: whose it is may look and stop it. */
export function taskRoutes ({ tasks }: { tasks: Pick<Tasks, 'get' | 'list' | 'revoke'> }): ServiceRoute[] {
  return [
    serviceRoute({
      method: 'GET',
      path: '/api/v1/tasks',
      access: { permission: 'account:read' },
      query: z.object({ limit: queryInt(1, 1000).optional() }),
      doc: { tag, summary: 'The newest tasks.', responses: [successDoc(z.array(task))] },
      handler: async ({ query, caller }) =>
        success({ data: (await tasks.list(caller.user.id, { limit: query.limit ?? 100 })).map(taskJson) })
    }),
    serviceRoute({
      method: 'GET',
      path: '/api/v1/tasks/{task_id}/status',
      access: { permission: 'account:read' },
      doc: { tag, summary: 'How far a task is.', params, responses: [successDoc(task)] },
      handler: async ({ params: { task_id: id = '' }, caller }) => success({ data: taskJson(await tasks.get(caller.user.id, id)) })
    }),
    serviceRoute({
      method: 'DELETE',
      path: '/api/v1/tasks/{task_id}',
      access: 'session-or-full-key',
      doc: {
        tag, summary: 'End a task before it is finished: its state becomes REVOKED.', params,
        responses: [successDoc(undefined, { message: true }), { status: 409, about: 'It is finished.' }]
      },
      handler: async ({ params: { task_id: id = '' }, caller }) => {
        await tasks.revoke(caller.user.id, id)
        return success({ message: 'Task revoked successfully' })
      }
    })
  ]
}

const parsed = (json: string | null): unknown => json == null ? null : JSON.parse(json)

function taskJson (row: TaskRow): z.infer<typeof task> {
  return {
    task_id: row.id,
    kind: row.kind,
    state: row.state,
    progress: parsed(row.progress),
    result: parsed(row.result),
    error: row.error,
    created_at: timeText(row.created_at),
    started_at: timeOrNull(row.started_at),
    completed_at: timeOrNull(row.completed_at)
  }
}
