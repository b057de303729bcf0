import { z } from 'zod'
import { invalidArgument } from '../../../base/errors.ts'
import { permissions } from '../../../service/accounts/accounts.ts'
import type { Accounts, Permission } from '../../../service/accounts/accounts.ts'
import type { ApiKeyRow } from '../../../service/sql/tables.ts'
import type { Usage } from '../../../service/usage/usage.ts'
import { success, successDoc, time, timeOrNull, timeText } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { permission, queryInt } from './fields.ts'

export interface KeyRoutesDeps { accounts: Accounts, usage: Pick<Usage, 'days'>, now: () => number }

const key = z.object({
  id: z.string(),
  name: z.string(),
  prefix: z.string().describe('How the key begins.'),
  permissions: z.array(permission),
  kind: z.enum(['default', 'own']).describe('default: made by registration or renewal, ended by the next renewal.'),
  created_at: time,
  expires_at: time.nullable(),
  last_used_at: time.nullable(),
  max_uses: z.int().nullable(),
  uses: z.int(),
  revoked_at: time.nullable()
})

const lastMoment = Date.UTC(9999, 11, 31, 23, 59, 59)
/** Strict: a permission or an end that is misspelt must not make a key of more. */
const newKey = z.strictObject({
  name: z.string().trim().min(1).max(200),
  permissions: z.array(permission).min(1).optional().describe('All, unless said otherwise.'),
  expires_at: z.iso.datetime({ offset: true }).refine(text => Date.parse(text) <= lastMoment, 'after the year 9999').optional(),
  max_uses: z.int().min(1).max(1e9).optional()
})

const day = z.object({ day: z.iso.date(), bytes_stored: z.int(), bytes_served: z.int(), requests: z.int(), views: z.int() })
const tag = 'Keys'

/** The caller's own keys and use. */
export function keyRoutes (deps: KeyRoutesDeps): ServiceRoute[] {
  return [
    listKeys(deps), createKey(deps), revokeKey(deps), ownUsage(deps)
  ]
}

const listKeys = ({ accounts }: KeyRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: '/api/v1/users/me/keys',
  access: 'session-or-full-key',
  doc: { tag, summary: 'The API keys of the account, newest first.', responses: [successDoc(z.array(key))] },
  handler: async ({ caller }) => success({ data: (await accounts.keys(caller.user.id)).map(keyJson) })
})

const createKey = ({ accounts, now }: KeyRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/users/me/keys',
  access: 'session-or-full-key',
  body: newKey,
  doc: {
    tag,
    summary: 'Make an API key. It is shown only once.',
    responses: [
      successDoc(
        z.object({
          id: z.string(), api_key: z.string(), name: z.string(), permissions: z.array(permission), expires_at: time.nullable()
        }),
        { status: 201, message: true }
      )
    ]
  },
  handler: async ({ body, caller }) => {
    const expiresAt = body.expires_at == null ? null : Date.parse(body.expires_at)
    if (expiresAt != null && expiresAt <= now()) {
      throw invalidArgument('expires_at: is over already')
    }
    const granted = [...new Set<Permission>(body.permissions ?? permissions)]
    const made = await accounts.createKey(caller, { name: body.name, permissions: granted, expiresAt, maxUses: body.max_uses ?? null })
    return success({
      status: 201,
      message: 'API key created successfully',
      data: { id: made.id, api_key: made.apiKey, name: body.name, permissions: granted, expires_at: timeOrNull(expiresAt) }
    })
  }
})

const revokeKey = ({ accounts }: KeyRoutesDeps): ServiceRoute => serviceRoute({
  method: 'DELETE',
  path: '/api/v1/users/me/keys/{id}',
  access: 'session-or-full-key',
  doc: { tag, summary: 'Revoke an API key.', params: { id: 'As in the list.' }, responses: [successDoc(undefined, { message: true })] },
  handler: async ({ params, caller }) => {
    await accounts.revokeKey(caller, params.id ?? '')
    return success({ message: 'API key revoked successfully' })
  }
})

const ownUsage = ({ usage }: KeyRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: '/api/v1/users/me/usage',
  access: { permission: 'account:read' },
  query: z.object({ days: queryInt(1, 366).optional().describe('30 unless said otherwise.') }),
  doc: {
    tag: 'Users', summary: 'What the account stored, served and asked for, by day (UTC), oldest first.',
    responses: [successDoc(z.array(day))]
  },
  handler: async ({ query, caller }) => success({ data: (await usage.days(caller.user.id, query.days ?? 30)).map(usageJson) })
})

/** One day of a key's or user's use. Sizes in bytes. */
export const usageJson = ({ day: date, bytesStored, bytesServed, requests, views }: Awaited<ReturnType<Usage['days']>>[number]) =>
  ({ day: date, bytes_stored: bytesStored, bytes_served: bytesServed, requests, views })
/** The schema of `usageJson`. */
export const usageDay = day

function keyJson (row: ApiKeyRow): z.infer<typeof key> {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    permissions: JSON.parse(row.permissions) as Permission[],
    kind: row.kind,
    created_at: timeText(row.created_at),
    expires_at: timeOrNull(row.expires_at),
    last_used_at: timeOrNull(row.last_used_at),
    max_uses: row.max_uses,
    uses: row.uses,
    revoked_at: timeOrNull(row.revoked_at)
  }
}
