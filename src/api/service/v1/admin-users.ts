import { z } from 'zod'
import { actorOf } from '../../../service/accounts/accounts-deps.ts'
import type { AccountAdmin, UserSummary } from '../../../service/accounts/admin.ts'
import { userSorts } from '../../../service/accounts/user-list.ts'
import type { Usage } from '../../../service/usage/usage.ts'
import { success, successDoc, time, timeOrNull, timeText } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { bytes, cursor, nextPage, orderOf, queryInt } from './fields.ts'
import { usageDay, usageJson } from './keys.ts'

export interface AdminUserRoutesDeps { admin: AccountAdmin, usage: Pick<Usage, 'days'> }

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
const tag = 'Admin'
const params = { id: 'The ID of a user.' }
const order = orderOf(userSorts)

/** The users for admins: what they use, and their limits. Never their content. */
export const adminUserRoutes = (deps: AdminUserRoutesDeps): ServiceRoute[] =>
  [listUsers(deps), getUser(deps), changeUser(deps), userUsage(deps)]

const listUsers = ({ admin }: AdminUserRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: '/api/v1/admin/users',
  access: 'admin',
  query: z.object({
    q: z.string().max(320).optional().describe('Part of the address.'),
    sort: order.field.optional().describe('With a minus sign: the largest first. Default `email`.'), cursor: cursor.optional(),
    limit: queryInt(1, 1000).optional()
  }),
  doc: { tag, summary: 'The users, and what they use.', responses: [successDoc(z.array(user), { more: nextPage })] },
  handler: async ({ query }) => {
    const { q, sort = 'email', cursor, limit = 100 } = query
    const { users, next } = await admin.list({ q, sort: order.of(sort), cursor, limit })
    return success({ data: users.map(userJson), more: { next_cursor: next } })
  }
})

const getUser = ({ admin }: AdminUserRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: '/api/v1/admin/users/{id}',
  access: 'admin',
  doc: { tag, summary: 'One user.', params, responses: [successDoc(user)] },
  handler: async ({ params: { id = '' } }) => success({ data: userJson(await admin.get(id)) })
})

const changeUser = ({ admin }: AdminUserRoutesDeps): ServiceRoute => serviceRoute({
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
})

const userUsage = ({ admin, usage }: AdminUserRoutesDeps): ServiceRoute => serviceRoute({
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
})

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
