import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import { HttpServer } from '../../http/server.ts'
import { TrustedProxies } from '../../http/request/trusted-proxies.ts'
import type { Credentials } from '../../service/accounts/accounts.ts'
import type { Limits } from '../../service/limits/limits.ts'
import type { Usage } from '../../service/usage/usage.ts'
import type { SiteInit } from '../common/site-init.ts'
import type { AdmissionInit } from './admission.ts'
import { Admission } from './admission.ts'
import { failureReply } from './error-dialect.ts'
import type { ServiceRoute } from './service-route.ts'
import type { OnAnswered, ServicePipelineDeps } from './pipeline.ts'
import { servicePipeline } from './pipeline.ts'

/** The section `api.service` of service.json as far as it is HTTP. */
export interface ServiceApiInit extends SiteInit {
  limits: AdmissionInit
}

export interface ServiceApiDeps {
  routes: readonly ServiceRoute[]
  credentials: Credentials
  usage: Pick<Usage, 'request' | 'served'>
  limits: Pick<Limits, 'limit'>
  /** Why nothing is served for now; null: it is. */
  refusal: () => Error | null
  /** The web pages, and the REST API for those of admins. Null: none. */
  pages: ServicePipelineDeps['pages']
  cluster: ServicePipelineDeps['cluster']
  clock: Clock
  log: Logger
}

/** A running API: where it listens, and a way in for connections that come from elsewhere. */
export interface ServiceApi extends Startable {
  /** Bound addresses as multiaddr texts. */
  addresses (): readonly string[]
  accept (connection: Duplex): void
}

/** The HTTP APIs of the service on one listener: `/api/v1`, `/api/pinning`, `/api/gateway`. */
export function serviceApi (
  init: ServiceApiInit, { routes, credentials, usage, limits, refusal, pages, cluster, clock, log }: ServiceApiDeps
): ServiceApi {
  const answered: OnAnswered = ({ user, contentBytes }) => {
    usage.request(user)
    if (contentBytes > 0) usage.served(user, contentBytes)
  }
  const listener = servicePipeline(
    { routes, publicUrl: init.publicUrl },
    {
      admission: new Admission(init.limits, { credentials, limits }), proxies: new TrustedProxies(init.trustedProxies), answered, refusal,
      pages, cluster, logLine: init.logLine, clock, log
    }
  )
  return new HttpServer({
    name: 'service',
    listen: init.listen,
    tls: init.tls,
    maxHeaderBytes: init.maxHeaderBytes,
    // uploads take the time that they take
    readTimeoutMs: 0,
    readHeaderTimeoutMs: init.readHeaderMs,
    writeTimeoutMs: 0,
    idleTimeoutMs: init.idleMs,
    stalledTimeoutMs: init.idleMs,
    cutsIdleUploads: true,
    maxConnections: init.maxConnections,
    brokenBody
  }, { listener: init.wrap?.(listener) ?? listener, clock, log })
}

function brokenBody (status: number, message: string): { contentType: string, text: string } {
  const { contentType, body } = failureReply({ status, message, code: null, headers: [] }, '')
  return { contentType: contentType ?? '', text: String(body) }
}
