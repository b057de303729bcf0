import { cid, int, list, peer, type WireCodec } from '../wire/rpc-schema.ts'
import * as types from '../wire/rpc-types.ts'

/** closed: never from another peer. trusted: from peers whose changes we accept. open: from anybody who has the cluster secret. */
export type Policy = 'closed' | 'trusted' | 'open'

/** What both ends know of a call. */
export interface Method<A, R> {
  /** Service and method as Go has them: "Cluster.ID". */
  readonly name: string
  readonly policy: Policy
  /** Streaming calls take any number of arguments and give any number of replies. */
  readonly isStreaming: boolean
  readonly argument: WireCodec<A>
  readonly reply: WireCodec<R>
}

const unary = <A, R>(name: string, policy: Policy, argument: WireCodec<A>, reply: WireCodec<R>): Method<A, R> =>
  ({ name, policy, isStreaming: false, argument, reply })
const streaming = <A, R>(name: string, policy: Policy, argument: WireCodec<A>, reply: WireCodec<R>): Method<A, R> =>
  ({ name, policy, isStreaming: true, argument, reply })

/** Go's methods that other peers may call, with the policies of a stock peer (rpc_policy.go). */
export const methods = {
  id: unary('Cluster.ID', 'open', types.empty, types.id),
  idStream: streaming('Cluster.IDStream', 'open', types.empty, types.id),
  version: unary('Cluster.Version', 'open', types.empty, types.version),
  peerAdd: unary('Cluster.PeerAdd', 'open', peer, types.id),
  peerRemove: unary('Cluster.PeerRemove', 'trusted', peer, types.empty),
  peers: streaming('Cluster.Peers', 'trusted', types.empty, types.id),
  recoverLocal: unary('Cluster.RecoverLocal', 'trusted', cid, types.pinInfo),
  recoverAllLocal: streaming('Cluster.RecoverAllLocal', 'trusted', types.empty, types.pinInfo),
  repoGcLocal: unary('Cluster.RepoGCLocal', 'trusted', types.empty, types.repoGc),
  status: unary('PinTracker.Status', 'trusted', cid, types.pinInfo),
  statusAll: streaming('PinTracker.StatusAll', 'trusted', int, types.pinInfo),
  recover: unary('PinTracker.Recover', 'trusted', cid, types.pinInfo),
  blockStream: streaming('IPFSConnector.BlockStream', 'trusted', types.nodeWithMeta, types.empty),
  repoStat: unary('IPFSConnector.RepoStat', 'trusted', types.empty, types.ipfsRepoStat),
  swarmPeers: unary('IPFSConnector.SwarmPeers', 'trusted', types.empty, list(peer)),
  logPin: unary('Consensus.LogPin', 'trusted', types.pin, types.empty),
  logUnpin: unary('Consensus.LogUnpin', 'trusted', types.pin, types.empty),
  addPeer: unary('Consensus.AddPeer', 'trusted', peer, types.empty),
  rmPeer: unary('Consensus.RmPeer', 'trusted', peer, types.empty)
} as const

/** Methods of a Go peer that only its own process calls: known, and refused to everybody else. */
export const closedMethods: ReadonlySet<string> = new Set([
  ...['PeersWithFilter', 'Join', 'ConnectGraph', 'Pin', 'Unpin', 'PinPath', 'UnpinPath', 'PinGet', 'Pins', 'Status', 'StatusAll',
  'StatusLocal',
    'StatusAllLocal', 'Recover', 'RecoverAll', 'BlockAllocate', 'RepoGC', 'SendInformerMetrics', 'SendInformersMetrics', 'Alerts',
    'BandwidthByProtocol', 'IPFSID'].map(name => `Cluster.${name}`),
  ...['RecoverAll', 'Track', 'Untrack', 'PinQueueSize'].map(name => `PinTracker.${name}`),
  ...['BlockGet', 'Pin', 'Unpin', 'PinLs', 'PinLsCid', 'ConfigKey', 'Resolve'].map(name => `IPFSConnector.${name}`),
  'Consensus.Peers', 'PeerMonitor.LatestMetrics', 'PeerMonitor.MetricNames'
])

/** What Go registers. A method that one of these lacks is refused in other words than a service that nobody has. */
export const services: ReadonlySet<string> = new Set(['Cluster', 'PinTracker', 'IPFSConnector', 'Consensus', 'PeerMonitor'])

