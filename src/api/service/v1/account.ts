import { z } from 'zod'
import type { AccountDeletion } from '../../../service/accounts/account-deletion.ts'
import { stream, success, successDoc, taskStarted } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { noSessionCookie } from '../session-cookie.ts'
import { givenPassword } from './fields.ts'

/** What was exported. Throws NOT_FOUND when it isn't the user's, isn't ready, or is no longer kept. */
export interface ExportReader {
  open (user: string, taskId: string): Promise<{ sizeBytes: number, read (options?: { signal?: AbortSignal }): AsyncIterable<Uint8Array> }>
}

const tag = 'Users'

/** Taking one's data along, and going. */
export function accountRoutes ({ deletion, exports }: { deletion: AccountDeletion, exports: ExportReader }): ServiceRoute[] {
  return [
    serviceRoute({
      method: 'POST',
      path: '/api/v1/users/me/export',
      access: 'session-or-full-key',
      doc: {
        tag,
        summary: 'Write down everything that the service knows of the account, as a task.',
        responses: [
          successDoc(z.object({ task_id: z.string() }), {
            status: 202, message: true, about: 'When the task has succeeded, users/me/export/{task_id} has the document for a day.'
          })
        ]
      },
      handler: async ({ caller }) => taskStarted(await deletion.export(caller), 'Export started')
    }),
    serviceRoute({
      method: 'GET',
      path: '/api/v1/users/me/export/{task_id}',
      access: 'session-or-full-key',
      doc: {
        tag, summary: 'What was exported: one JSON document.', params: { task_id: 'The task of the export.' },
        responses: [{ status: 200, about: 'The document.', contentType: 'application/json' }]
      },
      handler: async call => {
        const { caller, params: { task_id: task = '' }, signal } = call
        const { sizeBytes, read } = await exports.open(caller.user.id, task)
        return stream(call, {
          headers: [
            ['Content-Type', 'application/json'], ['Content-Length', String(sizeBytes)],
            ['Content-Disposition', 'attachment; filename="account.json"']
          ],
          source: () => read({ signal })
        })
      }
    }),
    serviceRoute({
      method: 'DELETE',
      path: '/api/v1/users/me',
      access: 'session-or-full-key',
      limit: 'login',
      body: z.object({ password: givenPassword }),
      doc: {
        tag,
        summary: 'Delete the account with all its files, pins and keys. Nothing brings it back: export it first.',
        responses: [successDoc(undefined, {
          status: 202, message: true, about: 'Nobody can log in any more; what is stored is removed as soon as possible.'
        })]
      },
      handler: async ({ body, caller }) => {
        await deletion.remove(caller, body.password)
        return success({ status: 202, message: 'Account deletion started', headers: [noSessionCookie] })
      }
    })
  ]
}
