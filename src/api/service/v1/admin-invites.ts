import { z } from 'zod'
import { actorOf } from '../../../service/accounts/accounts-deps.ts'
import type { AccountAdmin } from '../../../service/accounts/admin.ts'
import type { InviteSummary } from '../../../service/accounts/invites.ts'
import { success, successDoc, time, timeOrNull, timeText } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { cursor, email, nextPage, queryInt } from './fields.ts'

export interface AdminInviteRoutesDeps { admin: AccountAdmin }

const invitation = z.object({
  id: z.string().describe('Names it; it opens nothing.'),
  state: z.enum(['open', 'used', 'expired', 'revoked']),
  email: z.string().nullable().describe('Only for this address.'),
  created_by: z.string().describe('As in the audit log.'),
  created_at: time,
  expires_at: time,
  used_at: time.nullable(),
  used_by: z.string().nullable().describe('Address of the account that came of it, while there is one.')
})
const tag = 'Admin'
const dayMs = 86_400_000

/** Invitations: admins make, list and revoke them. */
export const adminInviteRoutes = (deps: AdminInviteRoutesDeps): ServiceRoute[] =>
  [listInvites(deps), revokeInvite(deps), invite(deps)]

const listInvites = ({ admin }: AdminInviteRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: '/api/v1/admin/invites',
  access: 'admin',
  query: z.object({
    state: z.enum(['open', 'ended']).optional().describe('`ended`: used, expired or revoked. Default: all.'), cursor: cursor.optional(),
    limit: queryInt(1, 1000).optional()
  }),
  doc: {
    tag, summary: 'The invitations, newest first. Their codes are not among them.',
    responses: [successDoc(z.array(invitation), { more: nextPage })]
  },
  handler: async ({ query }) => {
    const { invites, next } = await admin.invites({ state: query.state, cursor: query.cursor, limit: query.limit ?? 100 })
    return success({ data: invites.map(invitationJson), more: { next_cursor: next } })
  }
})

const revokeInvite = ({ admin }: AdminInviteRoutesDeps): ServiceRoute => serviceRoute({
  method: 'DELETE',
  path: '/api/v1/admin/invites/{id}',
  access: 'admin',
  doc: {
    tag, summary: 'Revoke an invitation that nobody has used.', params: { id: 'The ID of an invitation.' },
    responses: [
      successDoc(undefined, { message: true }), { status: 404, about: 'There is no such invitation.' },
      { status: 409, about: 'It was used already.' }
    ]
  },
  handler: async ({ params: { id = '' }, caller }) => {
    await admin.revokeInvite(id, actorOf(caller))
    return success({ message: 'Invitation revoked successfully' })
  }
})

const invite = ({ admin }: AdminInviteRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/admin/invites',
  access: 'admin',
  body: z.strictObject({
    email: email.optional().describe('Only for this address.'),
    days: z.int().min(1).max(365).optional().describe('How long it is valid; 7 unless said otherwise.')
  }),
  doc: {
    tag, summary: 'Make an invitation, good for one registration. Shown only once.',
    responses: [successDoc(z.object({ invite: z.string(), expires_at: time }), { status: 201, message: true })]
  },
  handler: async ({ body, caller }) => {
    const { code, expiresAt } = await admin.invite({ email: body.email ?? null, lifetimeMs: (body.days ?? 7) * dayMs }, actorOf(caller))
    return success({ status: 201, message: 'Invitation created successfully', data: { invite: code, expires_at: timeText(expiresAt) } })
  }
})

function invitationJson (
  { id, state, email: address, createdBy, createdAt, expiresAt, usedAt, usedBy }: InviteSummary
): z.infer<typeof invitation> {
  return {
    id, state, email: address, created_by: createdBy, created_at: timeText(createdAt), expires_at: timeText(expiresAt),
    used_at: timeOrNull(usedAt), used_by: usedBy
  }
}
