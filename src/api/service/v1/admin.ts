import { z } from 'zod'
import type { Caller } from '../../../service/accounts/accounts.ts'
import type { Actor } from '../../../service/accounts/accounts-deps.ts'
import type { AccountAdmin, UserSummary } from '../../../service/accounts/admin.ts'
import type { InviteSummary } from '../../../service/accounts/invites.ts'
import type { UserSort } from '../../../service/accounts/user-list.ts'
import { userSorts } from '../../../service/accounts/user-list.ts'
import type { Audit } from '../../../service/audit/audit.ts'
import type { AuditRow } from '../../../service/sql/tables.ts'
import type { Usage } from '../../../service/usage/usage.ts'
import { success, successDoc, time, timeOrNull, timeText } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { bytes, cursor, email, queryInt } from './fields.ts'
import { usageDay, usageJson } from './keys.ts'

export interface AdminRoutesDeps { admin: AccountAdmin, audit: Pick<Audit, 'list'>, usage: Pick<Usage, 'days'> }

const user = z.object({
  id: z.string(),
  email: z.string(),
  role: z.enum(['user', 'admin']),
  state: z.enum(['active', 'suspended', 'deleting']),
  created_at: time,
  verified_at: time.nullable(),
  last_seen_at: time.nullable().describe('To the minute; null: never.'),
  quota_bytes: bytes,
  used_bytes: bytes,
  file_count: z.int(),
  total_size_bytes: bytes
})
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
const entry = z.object({
  id: z.string(), at: time, user_id: z.string().nullable(), actor: z.string(), action: z.string(), object: z.string(), address: z.string(),
  details: z.record(z.string(), z.unknown())
})
const page = { next_cursor: z.string().nullable() }
const tag = 'Admin'
const params = { id: 'The ID of a user.' }
const dayMs = 86_400_000
const sortNames = userSorts.flatMap(name => [name, `-${name}`] as const)
const sortOf = (text = 'email'): { by: UserSort, descending: boolean } => ({
  by: text.replace(/^-/, '') as UserSort, descending: text.startsWith('-')
})

/** What admins see and do: users, their use and their limits. Never their content. */
export function adminRoutes ({ admin, audit, usage }: AdminRoutesDeps): ServiceRoute[] {
  return [
    serviceRoute({
      method: 'GET',
      path: '/api/v1/admin/users',
      access: 'admin',
      query: z.object({
        q: z.string().max(320).optional().describe('Part of the address.'),
        sort: z.enum(sortNames).optional().describe('With a minus sign: the largest first. Default `email`.'), cursor: cursor.optional(),
        limit: queryInt(1, 1000).optional()
      }),
      doc: { tag, summary: 'The users, and what they use.', responses: [successDoc(z.array(user), { more: page })] },
      handler: async ({ query }) => {
        const { users, next } = await admin.list({ q: query.q, sort: sortOf(query.sort), cursor: query.cursor, limit: query.limit ?? 100 })
        return success({ data: users.map(userJson), more: { next_cursor: next } })
      }
    }),
    serviceRoute({
      method: 'GET',
      path: '/api/v1/admin/users/{id}',
      access: 'admin',
      doc: { tag, summary: 'One user.', params, responses: [successDoc(user)] },
      handler: async ({ params: { id = '' } }) => success({ data: userJson(await admin.get(id)) })
    }),
    serviceRoute({
      method: 'PATCH',
      path: '/api/v1/admin/users/{id}',
      access: 'admin',
      body: z.strictObject({ state: z.enum(['active', 'suspended']).optional(), quota_bytes: bytes.optional() }),
      doc: { tag, summary: 'Suspend a user, or end that; set the quota.', params, responses: [successDoc(user, { message: true })] },
      handler: async ({ params: { id = '' }, body, caller }) => {
        if (body.quota_bytes != null) await admin.setQuota(id, body.quota_bytes, actorOf(caller))
        if (body.state != null) await admin.setState(id, body.state, actorOf(caller))
        return success({ message: 'User updated successfully', data: userJson(await admin.get(id)) })
      }
    }),
    serviceRoute({
      method: 'GET',
      path: '/api/v1/admin/users/{id}/usage',
      access: 'admin',
      query: z.object({ days: queryInt(1, 366).optional() }),
      doc: {
        tag, summary: 'What a user stored, served and asked for, by day (UTC), oldest first.', params,
        responses: [successDoc(z.array(usageDay))]
      },
      handler: async ({ params: { id = '' }, query }) => {
        await admin.get(id)
        return success({ data: (await usage.days(id, query.days ?? 30)).map(usageJson) })
      }
    }),
    serviceRoute({
      method: 'GET',
      path: '/api/v1/admin/invites',
      access: 'admin',
      query: z.object({
        state: z.enum(['open', 'ended']).optional().describe('`ended`: used, expired or revoked. Default: all.'), cursor: cursor.optional(),
        limit: queryInt(1, 1000).optional()
      }),
      doc: {
        tag, summary: 'The invitations, newest first. Their codes are not among them.',
        responses: [successDoc(z.array(invitation), { more: page })]
      },
      handler: async ({ query }) => {
        const { invites, next } = await admin.invites({ state: query.state, cursor: query.cursor, limit: query.limit ?? 100 })
        return success({ data: invites.map(invitationJson), more: { next_cursor: next } })
      }
    }),
    serviceRoute({
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
    }),
    serviceRoute({
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
    }),
    serviceRoute({
      method: 'GET',
      path: '/api/v1/admin/audit',
      access: 'admin',
      query: z.object({
        user: z.string().max(64).optional(), action: z.string().max(64).optional(), cursor: cursor.optional(),
        limit: queryInt(1, 1000).optional()
      }),
      doc: { tag, summary: 'Who did what, newest first.', responses: [successDoc(z.array(entry), { more: page })] },
      handler: async ({ query: { user: about, action, cursor: at, limit } }) => {
        const { entries, next } = await audit.list({
          ...(about == null ? {} : { user: about }), ...(action == null ? {} : { action }), ...(at == null ? {} : { cursor: at }),
          limit: limit ?? 100
        })
        return success({ data: entries.map(entryJson), more: { next_cursor: next } })
      }
    })
  ]
}

/** The caller as the audit log names it. */
export const actorOf = ({ user: { id }, address }: Caller): Actor => ({ actor: `user:${id}`, address })

function userJson (row: UserSummary): z.infer<typeof user> {
  return {
    id: row.id,
    email: row.email,
    role: row.role,
    state: row.state,
    created_at: timeText(row.created_at),
    verified_at: timeOrNull(row.verified_at),
    last_seen_at: row.last_seen_at === 0 ? null : timeText(row.last_seen_at),
    quota_bytes: row.quota_bytes,
    used_bytes: row.used_bytes,
    file_count: row.file_count,
    total_size_bytes: row.file_bytes
  }
}

function invitationJson (
  { id, state, email: address, createdBy, createdAt, expiresAt, usedAt, usedBy }: InviteSummary
): z.infer<typeof invitation> {
  return {
    id, state, email: address, created_by: createdBy, created_at: timeText(createdAt), expires_at: timeText(expiresAt),
    used_at: timeOrNull(usedAt), used_by: usedBy
  }
}

const entryJson = ({ at, details, ...row }: AuditRow): z.infer<typeof entry> => ({
  ...row, at: timeText(at), details: JSON.parse(details) as Record<string, unknown>
})
