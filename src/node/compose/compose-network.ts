import type { Clock } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { ExpectedPeers } from '../../cluster/peers/isolation.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { CID, MultiaddrText, PeerId } from '../../model/cid.ts'
import { bitswapExchange, exchangeDefaults } from '../../network/bitswap/exchange.ts'
import { historyClient, historyClientDefaults } from '../../network/history/client.ts'
import { historyServer, historyServerDefaults } from '../../network/history/server.ts'
import { libp2pGossip, type Libp2pGossip } from '../../network/host/gossip/gossip.ts'
import { libp2pClusterHost, type Libp2pClusterHost } from '../../network/host/host.ts'
import { libp2pConnectionManager } from '../../network/host/connection-manager.ts'
import { dualDht } from '../../network/host/routing.ts'
import { libp2pStreams } from '../../network/host/streams.ts'
import type { HistoryExchange, HistorySource } from '../../network/history.ts'
import type { BlockExchange, Broadcast, ClusterHost, PeerStreams } from '../../network/network.ts'
import type { RemoteOptions, RemotePeers } from '../../network/remote-peers.ts'
import { RpcClient } from '../../rpc/client.ts'
import { introduce, rpcRemotePeers } from '../../rpc/remote-peers.ts'
import { agentVersion } from './compose-ipfs.ts'
import { peerstorePath } from '../folder/folder.ts'
import { Linger } from '../linger.ts'
import type { NodeInit } from '../node-contract.ts'
import { PeerstoreKeeper } from '../peerstore-keeper.ts'

export interface NetworkDeps {
  trusts: (peer: PeerId) => boolean
  /** A block of the pinset that is stored here. */
  storedBlock: (cid: CID) => Uint8Array | undefined
  workers: Workers
  clock: Clock
  log: Logger
}

/** Connections to the cluster's other peers, as joining needs them, and whom this peer expects. */
export interface Connections extends ExpectedPeers {
  dial (address: MultiaddrText, options: { signal: AbortSignal }): Promise<PeerId>
  dialKnown (options: { signal: AbortSignal }): Promise<PeerId[]>
}

/** The cluster's network, as everything else is built on it. */
export interface Network {
  host: ClusterHost
  gossip: Broadcast & Pick<Libp2pGossip, 'health'>
  /** Of the pinset's blocks. */
  exchange: BlockExchange
  /** How this peer asks for history. Undefined: it doesn't. */
  history: HistoryExchange | undefined
  streams: PeerStreams
  remotes: RemotePeers
  connections: Connections
  /** Tells a peer that this one is there. */
  introduce (peer: PeerId, options: RemoteOptions): Promise<void>
  /** This peer has written a block. */
  committed (cid: CID): void
  /** Answers others' questions for history. */
  givingHistory (source: Pick<HistorySource, 'completeHeads'>): Startable
  /** What answers others, as soon as there is a pinset. */
  serving: Startable[]
  listening: Startable[]
  /** What connects, and remembers the members for the next start; behind what listens. */
  connecting (monitor: Monitor): Startable[]
  /** To be stopped before everything else. */
  last: Startable[]
}

/** libp2p refuses what is above its own limit, trusted or not: it must lie above the one that spares the trusted. */
const connectionsAboveHighWater = 64

/** The cluster's network over libp2p. Its host is loaded when it starts. */
export function composeNetwork (init: NodeInit, { trusts, storedBlock, workers, clock, log }: NetworkDeps): Network {
  const { config, identity } = init
  const { cluster, crdt } = config
  const self = identity.id
  const gossip = libp2pGossip(gossipInit(init), { workers, clock, log: log.child('pubsub') })
  const host = libp2pClusterHost(
    hostInit(init), { clock, log: log.child('p2p') }, async () => ({ ...await gossip.services(), ...await dualDht() })
  )
  gossip.join(host)
  const streams = libp2pStreams({ host, log: log.child('p2p') })
  const connectionManager = libp2pConnectionManager(
    { self, permanent: cluster.peerAddresses, connections: cluster.connectionManager },
    { host, trusts, workers, clock, log: log.child('p2p') }
  )
  const linger = new Linger({ peers: () => host.connectedPeers().length, clock, log: log.child('crdt') })
  const getBlock = (cid: CID): Uint8Array | undefined => {
    const bytes = storedBlock(cid)
    if (bytes != null) linger.served(cid)
    return bytes
  }
  const exchange = bitswapExchange(exchangeDefaults, {
    streams,
    peers: () => host.connectedPeers(),
    onPeer: listener => connectionManager.onPeer(listener),
    blocks: getBlock,
    clock,
    log: log.child('bitswap')
  })
  const client = new RpcClient({ streams, clock })
  return {
    host,
    gossip,
    exchange,
    history: historyClient(historyClientDefaults, { streams, onPeer: listener => connectionManager.onPeer(listener), clock }),
    streams,
    remotes: rpcRemotePeers(client),
    connections: connectionManager,
    introduce: async (peer, options) => introduce(client, peer, { self, ...options }),
    committed: cid => linger.committed(cid),
    givingHistory: heads => historyServer(historyServerDefaults, {
      streams, source: { completeHeads: () => heads.completeHeads(), getBlock }, clock, log: log.child('history')
    }),
    serving: [exchange],
    listening: [host],
    connecting: monitor => {
      // also of one that has expired: a slow peer stays slow
      monitor.onMetric(
        ({ name, peer, expire, receivedAt }) => { if (name === 'ping') gossip.holds(peer, Number(expire - receivedAt) / 1e6) }
      )
      const members = (): PeerId[] => monitor.latest(crdt.peersetMetric).map(metric => metric.peer).filter(peer => peer !== self)
      const keeper = new PeerstoreKeeper(
        { path: peerstorePath(init.folder, config) }, { host, peers: connectionManager, members, workers, log: init.log }
      )
      return [reachabilityWatch(host, workers), connectionManager, keeper]
    },
    last: [linger]
  }
}

/** Keeps an eye on whether the world can reach the cluster host. */
function reachabilityWatch (host: Libp2pClusterHost, workers: Workers): Startable {
  let watch: WorkerHandle | undefined
  return {
    name: 'reachability',
    start: async () => { watch = workers.add(host.reachability.worker()) },
    stop: async () => { await watch?.stop() }
  }
}

/** Everybody's ping comes once per interval, at the latest with the heartbeats after it. */
const silentAfterMs = ({ monitorPingIntervalMs, pubsub }: NodeInit['config']['cluster']): number =>
  3 * Math.max(monitorPingIntervalMs, pubsub.heartbeatIntervalMs)

function gossipInit ({ config: { cluster }, identity }: NodeInit): Parameters<typeof libp2pGossip>[0] {
  const { heartbeatIntervalMs, dFactor, historyLength, historyGossip, floodPublish } = cluster.pubsub
  return {
    self: identity.id, heartbeatIntervalMs, dFactor, historyLength, historyGossip, floodPublish, peerExchange: !cluster.followerMode,
    silentAfterMs: silentAfterMs(cluster)
  }
}

function hostInit ({ config: { cluster }, identity, version }: NodeInit): Parameters<typeof libp2pClusterHost>[0] {
  return {
    peer: identity.id,
    privateKey: identity.privateKey,
    secret: cluster.secret == null ? '' : Buffer.from(cluster.secret.reveal()).toString('hex'),
    listen: cluster.listenMultiaddress,
    announce: cluster.announceMultiaddress,
    noAnnounce: cluster.noAnnounceMultiaddress,
    agentVersion: agentVersion(version),
    maxConnections: cluster.connectionManager.highWater + connectionsAboveHighWater,
    dialTimeoutMs: cluster.dialPeerTimeoutMs,
    mdns: cluster.mdnsIntervalMs > 0,
    relayHop: cluster.enableRelayHop
  }
}
