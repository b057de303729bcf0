import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import { passwordAuthenticator } from '../../http/auth.ts'
import type { HttpFaceInit } from '../../http/face.ts'
import { httpFace, httpFaceDefaults } from '../../http/face.ts'
import type { Turns } from '../../http/turns.ts'
import { restDialect } from './dialect.ts'
import { restRoutes } from './routes.ts'

/** The section `api.restapi` of service.json, files already read. */
export type RestApiInit = HttpFaceInit

export interface RestApiDeps {
  cluster: ClusterApi
  /** Of the event loop, shared with the other listeners. */
  turns?: Pick<Turns, 'take'> | undefined
  log: Logger
  clock: Clock
}

/** A running face: where it listens, and a way in for connections that come from elsewhere (libp2p streams, tests). */
export interface RestApi extends Startable {
  /** Bound addresses as multiaddr texts. */
  addresses (): readonly string[]
  accept (connection: Duplex): void
}

/** The defaults of Go's service.json, listening nowhere. */
export const restApiDefaults: RestApiInit = httpFaceDefaults

/** The REST API of a cluster peer, as Go's (api/rest), with `/pins/{cid}/progress` and `/openapi.json` of our own. */
export function restApi (init: RestApiInit, { cluster, turns, log, clock }: RestApiDeps): RestApi {
  const authenticator = init.basicAuth == null ? null : passwordAuthenticator({ credentials: init.basicAuth, realm: 'Restricted IPFS Cluster API' }, { clock })
  const routes = restRoutes({ cluster, authenticator, clock })
  return httpFace(init, { name: 'restapi', routes, dialect: restDialect, authenticator, turns, clock, log })
}
