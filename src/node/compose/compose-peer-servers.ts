import type { Clock } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import { rateLimitedLogger } from '../../base/rate-limited-logger.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { progressHere } from '../../cluster/status/progress.ts'
import type { CrdtConsensus } from '../../consensus/crdt/crdt-consensus.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { PeerStreams } from '../../network/network.ts'
import { pinsetServer } from '../../network/pinset/pinset.ts'
import { progressServer } from '../../network/progress/progress.ts'
import { statusesServer } from '../../network/progress/statuses.ts'
import type { OwnStatuses } from '../../network/remote-statuses.ts'
import { rpcHandlers } from '../../rpc/handlers.ts'
import { rpcServer } from '../../rpc/server.ts'
import type { StatelessTracker } from '../../tracker/stateless/stateless-tracker.ts'

export interface PeerServersInit {
  /** Methods of Go's RPC that are closed on this peer, whatever their policy. */
  closed: readonly string[]
}

export interface PeerServersDeps {
  streams: PeerStreams
  consensus: CrdtConsensus
  cluster: Cluster
  tracker: StatelessTracker
  ipfs: IpfsConnector
  statuses: OwnStatuses
  clock: Clock
  log: Logger
}

/** What other peers may ask of this one, in the order in which it starts: Go's RPC, and the protocols of our own. */
export function composePeerServers ({ closed }: PeerServersInit, deps: PeerServersDeps): Startable[] {
  const { streams, consensus, cluster, tracker, ipfs, statuses, clock, log } = deps
  const own = { streams, trusts: (peer: string) => consensus.trusts(peer), clock }
  return [
    rpcServer({
      streams, trusts: own.trusts, handlers: rpcHandlers({ cluster, tracker, ipfs, consensus }), closed,
      log: rateLimitedLogger({ log: log.child('rpc'), clock })
    }),
    progressServer({ ...own, report: cid => progressHere(cid, { tracker, ipfs }), log: log.child('progress') }),
    statusesServer({ ...own, statuses, log: log.child('events') }),
    pinsetServer({ ...own, digests: consensus.digests, log: log.child('pinset') })
  ]
}
