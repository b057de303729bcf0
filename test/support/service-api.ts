import { z } from 'zod'
import type { ServiceRoute } from '../../src/api/service/service-route.ts'
import { serviceRoute } from '../../src/api/service/service-route.ts'
import { success } from '../../src/api/service/answers.ts'
import type { ServiceApi, ServiceApiInit } from '../../src/api/service/service-api.ts'
import { serviceApi } from '../../src/api/service/service-api.ts'
import { ClusterError } from '../../src/base/errors.ts'
import type { Logger } from '../../src/base/log.ts'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import type { InjectReply, InjectRequest } from './inject.ts'
import { inject } from './inject.ts'
import { permissions } from '../../src/service/accounts/accounts.ts'
import type { Caller, Credentials, Permission } from '../../src/service/accounts/accounts.ts'
import { memoryLimits } from '../../src/service/limits/memory/memory-limits.ts'
import type { ApiKeyRow } from '../../src/service/sql/tables.ts'

export const apiDefaults: ServiceApiInit = {
  listen: [],
  tls: null,
  publicUrl: '',
  trustedProxies: [],
  limits: { perKey: null, perAddress: null, tight: { 'sign-up': null, login: null, code: null } },
  readHeaderMs: 5000,
  idleMs: 60_000,
  maxHeaderBytes: 16_384,
  maxConnections: 100,
  logLine: null
}

/** Knows the keys `full`, `reading`, `admin` and `revoked`, and the session `session`. */
export class FewCredentials implements Credentials {
  readonly asked: string[] = []

  async byKey (secret: string, { address }: { address: string }): Promise<Caller> {
    this.asked.push(`${secret} ${address}`)
    if (secret === 'revoked') throw new ClusterError('NOT_AUTHORIZED')
    if (secret === 'away') throw new ClusterError('NOT_READY')
    if (!['full', 'reading', 'admin'].includes(secret)) throw new ClusterError('UNAUTHENTICATED')
    return callerWith(
      secret === 'reading' ? ['files:read'] : permissions,
      { via: { key: { id: secret } as ApiKeyRow }, role: secret === 'admin' ? 'admin' : 'user', address }
    )
  }

  async bySession (secret: string, { address }: { address: string }): Promise<Caller> {
    if (secret !== 'session') throw new ClusterError('UNAUTHENTICATED')
    return callerWith(permissions, { via: { session: secret }, role: 'user', address })
  }
}

const callerWith = (
  held: readonly Permission[], { via, role, address }: Pick<Caller, 'via' | 'address'> & { role: 'user' | 'admin' }
): Caller =>
  ({ user: { id: 'u1', email: 'a@b', role, state: 'active', workspace_id: 'w1', created_at: 0 }, via, permissions: new Set(held), address })

export interface TestApi {
  api: ServiceApi
  credentials: FewCredentials
  answered: Array<[string, number]>
  /** "POST /api/…" through the whole stack, without a socket. */
  ask (request: string, more?: Omit<InjectRequest, 'path' | 'method'>): Promise<InjectReply>
}

/** The frame around some routes. */
export function testApi (
  routes: readonly ServiceRoute[], init: Partial<ServiceApiInit> = {},
  { log = silentLogger, refusal = () => null }: { log?: Logger, refusal?: () => Error | null } = {}
): TestApi {
  const credentials = new FewCredentials()
  const answered: Array<[string, number]> = []
  const usage = {
    request: (user: string) => { answered.push([user, 0]) }, served: (user: string, bytes: number) => { answered.push([user, bytes]) }
  }
  const api = serviceApi({ ...apiDefaults, ...init }, {
    routes, credentials, usage, limits: memoryLimits(), refusal, pages: null, cluster: null, clock: systemClock, log
  })
  return {
    api,
    credentials,
    answered,
    ask: async (request, more = {}) => {
      const space = request.indexOf(' ')
      return inject(api, { method: request.slice(0, space), path: request.slice(space + 1), ...more })
    }
  }
}

const doc = { tag: 'Test', summary: 'A test.', responses: [] }

/** One route of each kind of access, and one with each kind of input. */
export const sampleRoutes: readonly ServiceRoute[] = [
  serviceRoute({
    method: 'GET', path: '/api/v1/open', access: 'open', doc, handler: ({ maybeCaller }) => success({ data: maybeCaller?.user.id ?? null })
  }),
  serviceRoute({
    method: 'POST', path: '/api/v1/open', access: 'open', limit: 'login', body: z.object({ name: z.string() }), doc,
    handler: ({ body }) => success({ data: body.name })
  }),
  serviceRoute({
    method: 'GET', path: '/api/v1/files', access: { permission: 'files:read' },
    query: z.object({ q: z.string().optional(), cid: z.union([z.string(), z.array(z.string())]).optional() }), doc,
    handler: ({ query }) => success({ data: query })
  }),
  serviceRoute({
    method: 'POST', path: '/api/v1/files', access: { permission: 'files:write' }, doc, handler: () => success({ message: 'written' })
  }),
  serviceRoute({
    method: 'GET', path: '/api/v1/files/{cid}', access: { permission: 'files:read' }, doc,
    handler: ({ params, address, baseUrl }) => success({ data: { cid: params.cid, address, baseUrl } })
  }),
  serviceRoute({ method: 'GET', path: '/api/v1/keys', access: 'session-or-full-key', doc, handler: () => success({}) }),
  serviceRoute({ method: 'POST', path: '/api/v1/keys', access: 'session-or-full-key', doc, handler: () => success({ message: 'made' }) }),
  serviceRoute({ method: 'GET', path: '/api/v1/admin', access: 'admin', doc, handler: () => success({}) }),
  serviceRoute({
    method: 'GET', path: '/api/v1/fails/{code}', access: 'open', doc,
    handler: ({ params }) => {
      throw params.code === 'fault'
        ? new TypeError('of ours')
        : new ClusterError(params.code as 'CONFLICT', params.code === 'RATE_LIMITED' ? { retryAfterMs: 2500 } : {})
    }
  }),
  serviceRoute({
    method: 'GET', path: '/api/pinning/pins/{id}', access: { permission: 'pins:read' }, doc,
    handler: ({ params }) => { throw new ClusterError(params.id as 'CONFLICT') }
  })
]
