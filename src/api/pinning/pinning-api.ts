import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { Workers } from '../../base/worker.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import { passwordAuthenticator } from '../../http/request/auth.ts'
import type { ApiServerInit } from '../../http/api-server.ts'
import { apiServer } from '../../http/api-server.ts'
import type { PinIndex } from '../../pinindex/pinindex.ts'
import { Delegates } from '../common/delegates.ts'
import { pinningDialect } from './error-dialect.ts'
import { PinningHandlers } from './handlers.ts'
import { IndexFollower } from './index-follower.ts'
import { pinningRoutes } from './routes.ts'
import { StatusTable } from './status-table.ts'

export interface PinningApiDeps {
  cluster: ClusterApi
  consensus: Pick<Consensus, 'state' | 'onChange'>
  /** Started and stopped with the API. */
  index: PinIndex
  workers: Workers
  clock: Clock
  log: Logger
}

/** A running API: where it listens, and a way in for connections that come from elsewhere. */
export interface PinningApi extends Startable {
  /** Bound addresses as multiaddr texts. */
  addresses (): readonly string[]
  accept (connection: Duplex): void
}

/**
 * The Pinning Service API of a peer (section `api.pinsvcapi`). Start it after the consensus, whose pinset it reads and whose changes it
 * follows from now on.
 */
export function pinningApi (init: ApiServerInit, { cluster, consensus, index, workers, clock, log }: PinningApiDeps): PinningApi {
  const authenticator = init.basicAuth == null
    ? null
    : passwordAuthenticator({ credentials: init.basicAuth, realm: 'Restricted IPFS Cluster API' }, { clock })
  const statuses = new StatusTable({ cluster, index, workers, clock, log })
  const follower = new IndexFollower({ consensus, index, workers, log, changed: cids => statuses.changed(cids) })
  const delegates = new Delegates({ cluster, clock, log })
  const handlers = new PinningHandlers({ cluster, index, follower, statuses, delegates, authenticator })
  const server = apiServer(init, { name: 'pinsvcapi', routes: pinningRoutes(handlers), dialect: pinningDialect, authenticator, clock, log })
  const parts: Startable[] = [index, follower, statuses, server]
  return {
    name: 'pinsvcapi',
    addresses: () => server.addresses(),
    accept: connection => server.accept(connection),
    start: async signal => {
      for (const part of parts) await part.start(signal)
    },
    drain: async () => server.drain(),
    stop: async () => {
      for (const part of parts.toReversed()) await part.stop()
    }
  }
}
