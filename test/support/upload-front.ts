import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Admission } from '../../src/api/service/admission.ts'
import { servicePipeline } from '../../src/api/service/pipeline.ts'
import { linkRoutes } from '../../src/api/service/v1/links.ts'
import { resumableRoutes } from '../../src/api/service/v1/resumable.ts'
import { uploadRoutes } from '../../src/api/service/v1/uploads.ts'
import { ClusterError } from '../../src/base/errors.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { TrustedProxies } from '../../src/http/request/trusted-proxies.ts'
import { permissions } from '../../src/service/accounts/accounts.ts'
import type { Caller } from '../../src/service/accounts/accounts.ts'
import type { Uploads } from '../../src/service/uploads/uploads.ts'
import { NotedLogger } from './noted-logger.ts'

export interface UploadFront {
  url: string
  /** The access log, and what else was logged, line by line. */
  logged (): string[]
  close (): Promise<void>
}

/** The routes of uploads over HTTP; the key is the user's id. */
export async function uploadFront (uploads: Uploads): Promise<UploadFront> {
  const routes = [
    ...uploadRoutes({ uploads }), ...linkRoutes({ uploads, now: systemClock.now }),
    ...resumableRoutes({ uploads, clock: systemClock, random: systemRandom })
  ]
  const admission: Pick<Admission, 'admit'> = {
    admit: async ({ access }, { headers }) => {
      const user = headers['x-api-key']
      if (typeof user === 'string') return callerOf(user)
      if (access === 'open') return null
      throw new ClusterError('UNAUTHENTICATED')
    }
  }
  const lines: string[] = []
  const log = new NotedLogger()
  const listener = servicePipeline({ routes, publicUrl: '' }, {
    admission: admission as Admission, proxies: new TrustedProxies([]), answered: () => {}, refusal: () => null, pages: null, cluster: null,
    logLine: line => { lines.push(line) }, clock: systemClock, log
  })
  const server = createServer(listener)
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    logged: () => [...lines, ...log.lines.map(line => JSON.stringify(line))],
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

function callerOf (id: string): Caller {
  const user = { id, email: `${id}@example.com`, role: 'user', state: 'active', workspace_id: `w-${id}`, created_at: 0 } as const
  return { user, via: { session: 's' }, permissions: new Set(permissions), address: '127.0.0.1' }
}
