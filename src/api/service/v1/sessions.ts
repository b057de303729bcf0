import { z } from 'zod'
import type { Accounts } from '../../../service/accounts/accounts.ts'
import { success, successDoc, time, timeText } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'

const session = z.object({
  id: z.string(),
  created_at: time,
  expires_at: time,
  address: z.string().describe('Where the log-in came from.'),
  agent: z.string().describe('What the browser called itself.'),
  current: z.boolean().describe('The one that asks.')
})
const tag = 'Users'

/** The log-ins of an account: to see who is in, and to end what one doesn't know. */
export function sessionRoutes ({ accounts }: {
  accounts: Pick<Accounts, 'sessionsOf' | 'endSession' | 'endOtherSessions'>
}): ServiceRoute[] {
  return [
    serviceRoute({
      method: 'GET',
      path: '/api/v1/users/me/sessions',
      access: 'session-or-full-key',
      doc: { tag, summary: 'The sessions of the account that have not ended, newest first.', responses: [successDoc(z.array(session))] },
      handler: async ({ caller }) => success({
        data: (await accounts.sessionsOf(caller)).map(one => ({
          id: one.id, created_at: timeText(one.createdAt), expires_at: timeText(one.expiresAt), address: one.address, agent: one.agent,
          current: one.isCurrent
        }))
      })
    }),
    serviceRoute({
      method: 'DELETE',
      path: '/api/v1/users/me/sessions',
      access: 'session-or-full-key',
      doc: { tag, summary: 'End all sessions but the one that asks.', responses: [successDoc(undefined, { message: true })] },
      handler: async ({ caller }) => {
        await accounts.endOtherSessions(caller)
        return success({ message: 'Other sessions ended successfully' })
      }
    }),
    serviceRoute({
      method: 'DELETE',
      path: '/api/v1/users/me/sessions/{id}',
      access: 'session-or-full-key',
      doc: { tag, summary: 'End a session.', params: { id: 'As in the list.' }, responses: [successDoc(undefined, { message: true })] },
      handler: async ({ params, caller }) => {
        await accounts.endSession(caller, params.id ?? '')
        return success({ message: 'Session ended successfully' })
      }
    })
  ]
}
