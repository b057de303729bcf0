import { ClusterError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import type { ServiceRoute } from '../../src/api/service/service-route.ts'
import { serviceApi } from '../../src/api/service/service-api.ts'
import type { Account, Caller, Credentials } from '../../src/service/accounts/accounts.ts'
import { permissions } from '../../src/service/accounts/accounts.ts'
import { memoryLimits } from '../../src/service/limits/memory/memory-limits.ts'

/** Keys that are the names of their owners; `alice:files:read` has one permission only. */
const credentials: Credentials = {
  byKey: async (secret, { address }) => {
    const [id = '', ...held] = secret.split(':')
    if (id !== 'alice' && id !== 'bob') throw new ClusterError('UNAUTHENTICATED')
    const user: Account = { id, email: `${id}@example.com`, role: 'user', state: 'active', workspace_id: `w-${id}`, created_at: 0 }
    const caller = { user, via: { key: { id: secret } }, permissions: new Set(held.length === 0 ? permissions : [held.join(':')]), address }
    return caller as unknown as Caller
  },
  bySession: async () => { throw new ClusterError('UNAUTHENTICATED') }
}

export interface ServedRoutes { url: string, close (): Promise<void> }

/** Routes of the service on a port, for users whose keys are their names. */
export async function servedRoutes (routes: readonly ServiceRoute[]): Promise<ServedRoutes> {
  const api = serviceApi({
    listen: ['/ip4/127.0.0.1/tcp/0'], tls: null, publicUrl: '', trustedProxies: [], readHeaderMs: 5000, idleMs: 60_000,
    maxHeaderBytes: 16_384, maxConnections: 100, logLine: null,
    limits: { perKey: null, perAddress: null, tight: { 'sign-up': null, login: null, code: null } }
  }, {
    routes, credentials, usage: { request: () => {}, served: () => {} }, limits: memoryLimits(), refusal: () => null, pages: null,
    cluster: null, clock: systemClock, log: silentLogger
  })
  await api.start(new AbortController().signal)
  const port = /\/tcp\/(\d+)$/.exec(api.addresses()[0] ?? '')?.[1]
  return { url: `http://127.0.0.1:${port}`, close: async () => api.stop() }
}
