import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ServiceRoute } from '../../../../src/api/service/service-route.ts'
import { adminInviteRoutes } from '../../../../src/api/service/v1/admin-invites.ts'
import { adminUserRoutes } from '../../../../src/api/service/v1/admin-users.ts'
import { bulkRoutes } from '../../../../src/api/service/v1/files-bulk.ts'
import { keyRoutes } from '../../../../src/api/service/v1/keys.ts'
import { userRoutes } from '../../../../src/api/service/v1/users.ts'
import { testApi } from '../../../support/service-api.ts'

/** Whatever is asked for: that nothing is done is what the tests look at. */
const untouched = (): any => new Proxy({}, {
  get: (_target, name) => async () => { throw new Error(`${String(name)} was called`) }
})

const routes: ServiceRoute[] = [
  ...keyRoutes({ accounts: untouched(), usage: untouched(), now: () => 0 }),
  ...adminUserRoutes({ admin: untouched(), usage: untouched() }),
  ...adminInviteRoutes({ admin: untouched() }),
  ...bulkRoutes({ files: untouched() }),
  ...userRoutes({ accounts: untouched(), perAccount: { take: async () => {} } as any })
]

const code = { email: 'a@example.com', verification_code: '123456' }
const refused: Array<[request: string, body: unknown, about: RegExp]> = [
  ['POST /api/v1/users/me/keys', { name: 'k', permission: ['files:read'] }, /"permission"/],
  ['POST /api/v1/users/me/keys', { name: 'k', expires: '2030-01-01T00:00:00Z' }, /"expires"/],
  ['POST /api/v1/users/me/keys', { name: 'k', expires_at: '9999-12-31T23:59:59-23:59' }, /expires_at: after the year 9999/],
  ['PATCH /api/v1/admin/users/u2', { quota: 5 }, /"quota"/],
  ['PATCH /api/v1/admin/users/u2', { state: 'suspended', quotabytes: 5 }, /"quotabytes"/],
  ['POST /api/v1/admin/invites', { mail: 'a@example.com' }, /"mail"/],
  ['POST /api/v1/users/renew', { ...code, revokeAll: true }, /"revokeAll"/],
  ['POST /api/v1/users/verify', { ...code, pasword: 'securePassword123' }, /"pasword"/],
  ['POST /api/v1/files/delete/bulk', { cids: ['a'], filter: { state: 'pinned' } }, /either/],
  ['POST /api/v1/files/delete/bulk', { filter: {}, asyn: true }, /"asyn"/],
  ['POST /api/v1/files/pin/bulk', { cids: 'a' }, /either/],
  ['POST /api/v1/files/unpin/bulk', {}, /either/]
]

describe('bodies of what gives rights, takes them, or changes many files', () => {
  const { ask } = testApi(routes)

  for (const [request, body, about] of refused) {
    it(`are refused with what is wrong in them: ${request} ${JSON.stringify(body)}`, async () => {
      const reply = await ask(request, { headers: [['X-API-Key', 'admin']], body: JSON.stringify(body) })

      assert.equal(reply.status, 400, reply.body.toString())
      assert.match(JSON.parse(reply.body.toString()).message, about)
    })
  }
})
