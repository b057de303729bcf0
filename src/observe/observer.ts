import type { RequestListener } from 'node:http'
import type { Startable } from '../base/lifecycle.ts'
import type { WorkerStatus } from '../base/worker.ts'
import type { ClusterApi } from '../cluster/cluster-api.ts'
import type { IpfsConnector } from '../ipfs/ipfs.ts'
import type { Bandwidth } from '../model/peer.ts'

/**
 * What is asked at each scrape. All cheap: nothing here may take time by the size of the pinset. One that throws (not started yet) has no
 * sample.
 */
export interface MetricSources {
  /** Pins of the pinset. */
  pins (): number
  /** Pins with a missing holder, as of a minute ago; undefined before they were counted. */
  underReplicated (): number | undefined
  /** Peers that this one drains, and pins that are left there. */
  drains (): ReadonlyArray<{ peer: string, state: string, left: number }>
  /** Roots of the IPFS node. */
  ipfsPins (): number
  /** Adds whose blocks the IPFS node holds. */
  heldAdds (): number
  /** Denylists: how many rules, how often one of them refused something since the start, and why it can't be used as it is now. */
  denylists (): ReadonlyArray<{ name: string, rules: number, hits: number, fault: string }>
  /** Tracked operations by state. */
  operations (): Readonly<Record<string, number>>
  /** In how long the turn of the last pin that waits comes; undefined while it can't be said. Milliseconds. */
  queueWaitMs (): number | undefined
  /** Pins that wait and that have a turn, by the name of their queue. */
  pinQueues (): ReadonlyArray<{ name: string, waiting: number, running: number }>
  /** Pins that audits have looked at since the start, by what they found. */
  audits (): Readonly<Record<string, number>>
  /** What became of operations since the start, by outcome. */
  operationCounts (): Readonly<Record<string, number>>
  /** Blocks that turned out to be damaged, since the start. */
  lostBlocks (): number
  crdt (): { heads: number, height: number, dirty: boolean, behind: boolean, damaged: boolean }
  workers (): readonly WorkerStatus[]
  bandwidth (): ReadonlyMap<string, Bandwidth>
  /** Peers whose metrics are valid, this one included. */
  members (): number
  /** Other peers by how their pinsets are to this one's. */
  pinsets (): Readonly<Record<string, number>>
  connectedPeers (): number
  /** Connected members of which gossip brings nothing, and streams that took the place of lost ones since the start. */
  gossip (): { silent: readonly string[], reopened: number }
  alerts (): number
  /** Weight of this peer's disk metric; undefined when there is none. */
  diskWeight (): bigint | undefined
  /** The service layer's figures, which all its peers share; absent without one. Undefined before they are known. */
  service? (): ServiceFigures | undefined
}

/** Numbers of things by state, and sums over all users. */
export interface ServiceFigures {
  users: Readonly<Record<string, number>>
  files: Readonly<Record<string, number>>
  pins: Readonly<Record<string, number>>
  tasks: Readonly<Record<string, number>>
  unappliedPins: number
  openUploads: number
  usedBytes: number
  quotaBytes: number
  nearlyFullUsers: number
}

/** A request whose answer is over. */
export interface AnsweredRequest { method: string, status: number, seconds: number }

/**
 * Instruments the parts of a peer: each method gives back what it was given, or something that does the same and is measured or traced.
 * Nothing that an observer does may make a call fail.
 */
export interface Observer {
  ipfs <T extends IpfsConnector>(ipfs: T): T
  cluster <T extends ClusterApi>(cluster: T): T
  /** For the requests of one API, such as "restapi". */
  requests (api: string): (listener: RequestListener) => RequestListener
  /** For those that another thread has answered. Undefined: nobody counts them. */
  answered (api: string): ((request: AnsweredRequest) => void) | undefined
  /** What has to be started with the peer. */
  components (sources: MetricSources): Startable[]
}

/** Sees nothing. */
export const noOpObserver: Observer = {
  ipfs: ipfs => ipfs,
  cluster: cluster => cluster,
  requests: () => listener => listener,
  answered: () => undefined,
  components: () => []
}

/** Two instruments as one; `outer` sees what `inner` does too. */
export function both (outer: Observer, inner: Observer): Observer {
  return {
    ipfs: ipfs => outer.ipfs(inner.ipfs(ipfs)),
    cluster: cluster => outer.cluster(inner.cluster(cluster)),
    requests: api => listener => outer.requests(api)(inner.requests(api)(listener)),
    answered: api => {
      const counting = [outer, inner].map(one => one.answered(api)).filter(one => one != null)
      return counting.length === 0 ? undefined : request => { for (const count of counting) count(request) }
    },
    components: sources => [...outer.components(sources), ...inner.components(sources)]
  }
}
