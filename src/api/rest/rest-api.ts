import type { RequestListener } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { Authenticator } from '../../http/request/auth.ts'
import { passwordAuthenticator } from '../../http/request/auth.ts'
import type { ApiServerInit } from '../../http/api-server.ts'
import { apiServer } from '../../http/api-server.ts'
import type { PipelineDeps } from '../../http/pipeline.ts'
import { httpPipeline } from '../../http/pipeline.ts'
import type { TickBudget } from '../../http/answer/tick-budget.ts'
import { restDialect } from './error-dialect.ts'
import type { Watching } from './handlers-events.ts'
import { restRoutes } from './routes.ts'

export type { Watching } from './handlers-events.ts'

/** The section `api.restapi` of service.json, files already read. */
export type RestApiInit = ApiServerInit

export interface RestApiDeps {
  cluster: ClusterApi
  watching: Watching
  /** Of the event loop, shared with the other listeners. */
  tickBudget?: Pick<TickBudget, 'take'> | undefined
  log: Logger
  clock: Clock
}

/** The REST API below a path of another listener. */
export interface MountedRestInit {
  /** What redirects begin with: "/api/cluster". */
  prefix: string
  /** user → password; null: whoever comes here may use it. */
  basicAuth: RestApiInit['basicAuth']
  logLine: RestApiInit['logLine']
}

/** A running API: where it listens, and a way in for connections that come from elsewhere (libp2p streams, tests). */
export interface RestApi extends Startable {
  /** Bound addresses as multiaddr texts. */
  addresses (): readonly string[]
  accept (connection: Duplex): void
}

/** The REST API of a cluster peer, as Go's (api/rest), with `/pins/{cid}/progress` and `/openapi.json` of our own. */
export function restApi (init: RestApiInit, { cluster, watching, tickBudget, log, clock }: RestApiDeps): RestApi {
  const authenticator = authenticatorOf(init.basicAuth, clock)
  const routes = restRoutes({ cluster, authenticator, watching, clock })
  return apiServer(init, { name: 'restapi', routes, dialect: restDialect, authenticator, tickBudget, clock, log })
}

/**
 * The same for the web pages, on a listener of theirs: of this origin only, and without the challenge at which browsers ask by themselves.
 */
export function mountedRestApi (
  { prefix, basicAuth, logLine }: MountedRestInit, { cluster, watching, tickBudget, log, clock, remoteOf }: RestApiDeps & Pick<PipelineDeps,
  'remoteOf'>
): RequestListener {
  const authenticator = quiet(authenticatorOf(basicAuth, clock))
  return httpPipeline(
    { routes: restRoutes({ cluster, authenticator, watching, clock }), headers: [['X-Content-Type-Options', 'nosniff']], prefix },
    { dialect: restDialect, cors: null, authenticator, logLine, tickBudget, clock, log, ...(remoteOf == null ? {} : { remoteOf }) }
  )
}

const authenticatorOf = (credentials: RestApiInit['basicAuth'], clock: Clock): Authenticator | null =>
  credentials == null ? null : passwordAuthenticator({ credentials, realm: 'Restricted IPFS Cluster API' }, { clock })

function quiet (authenticator: Authenticator | null): Authenticator | null {
  if (authenticator == null) return null
  return {
    token: principal => authenticator.token(principal),
    check: authorization => {
      const verdict = authenticator.check(authorization)
      return 'message' in verdict ? { ...verdict, challenges: [] } : verdict
    }
  }
}
