import type { Clock } from '../base/clock.ts'
import type { Startable } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { WorkerHandle, Workers } from '../base/worker.ts'
import type { CrdtConsensus } from '../consensus/crdt/crdt-consensus.ts'
import type { CID, PeerId } from '../model/cid.ts'
import { bitswapExchange, exchangeDefaults, type BitswapExchange } from '../network/bitswap/exchange.ts'
import { historyClient, historyClientDefaults } from '../network/history/client.ts'
import { historyServer, historyServerDefaults } from '../network/history/server.ts'
import { libp2pGossip, type Libp2pGossip } from '../network/host/gossip/gossip.ts'
import { libp2pClusterHost, type Libp2pClusterHost } from '../network/host/host.ts'
import { libp2pNeighbours, type Neighbours } from '../network/host/connection-manager.ts'
import { dualDht } from '../network/host/routing.ts'
import { libp2pStreams } from '../network/host/streams.ts'
import type { HistoryExchange, HistoryServer } from '../network/history.ts'
import type { PeerStreams } from '../network/network.ts'
import { RpcClient } from '../rpc/client.ts'
import { agentVersion } from './compose-ipfs.ts'
import { peerstorePath } from './folder.ts'
import { HandOver } from './hand-over.ts'
import type { NodeInit } from './node-contract.ts'
import { readPeerstore, writePeerstore } from './peerstore-file.ts'

export interface NetworkDeps {
  /** Asked only while peers are connected: the consensus itself needs the network. */
  consensus: () => Pick<CrdtConsensus, 'trusts' | 'getBlock' | 'completeHeads'>
  /** How long a peer's ping holds, by its own word. Milliseconds; undefined when it has told none. */
  pingHoldsMs: (peer: PeerId) => number | undefined
  workers: Workers
  clock: Clock
  log: Logger
}

/** The cluster's network: one host, and what is built on it. */
export interface Network {
  host: Libp2pClusterHost
  gossip: Libp2pGossip
  streams: PeerStreams
  exchange: BitswapExchange
  /** How this peer asks for history, and how it answers. */
  history: HistoryExchange
  historyServer: HistoryServer
  /** Told of this peer's own blocks. */
  handOver: HandOver
  neighbours: Neighbours
  client: RpcClient
}

/** libp2p refuses what is above its own limit, trusted or not: it must lie above the one that spares the trusted. */
const connectionsAboveHighWater = 64

export function composeNetwork (init: NodeInit, { consensus, pingHoldsMs, workers, clock, log }: NetworkDeps): Network {
  const { config: { cluster }, identity } = init
  const self = identity.id
  const gossip = libp2pGossip(gossipInit(init), { holdsMs: pingHoldsMs, workers, clock, log: log.child('pubsub') })
  const host = libp2pClusterHost(hostInit(init), { clock, log: log.child('p2p') }, async () => ({ ...await gossip.services(), ...await dualDht() }))
  gossip.join(host)
  const streams = libp2pStreams({ host, log: log.child('p2p') })
  const neighbours = libp2pNeighbours({ self, permanent: cluster.peerAddresses, connections: cluster.connectionManager },
    { host, trusts: peer => consensus().trusts(peer), workers, clock, log: log.child('p2p') })
  const handOver = new HandOver({ peers: () => host.connectedPeers().length, clock, log: log.child('crdt') })
  const getBlock = (cid: CID): Uint8Array | undefined => {
    const bytes = consensus().getBlock(cid)
    if (bytes != null) handOver.served(cid)
    return bytes
  }
  const exchange = bitswapExchange(exchangeDefaults, {
    streams,
    peers: () => host.connectedPeers(),
    onPeer: listener => neighbours.onPeer(listener),
    blocks: getBlock,
    clock,
    log: log.child('bitswap')
  })
  const history = historyClient(historyClientDefaults, { streams, onPeer: listener => neighbours.onPeer(listener), clock })
  const source = { completeHeads: () => consensus().completeHeads(), getBlock }
  const givingHistory = historyServer(historyServerDefaults, { streams, source, clock, log: log.child('history') })
  return { host, gossip, streams, exchange, history, historyServer: givingHistory, handOver, neighbours, client: new RpcClient({ streams, clock }) }
}

/** Keeps an eye on whether the world can reach the cluster host. */
export function reachabilityWatch ({ host }: Network, workers: Workers): Startable {
  let watch: WorkerHandle | undefined
  return {
    name: 'reachability',
    start: async () => { watch = workers.add(host.reachability.worker()) },
    stop: async () => { await watch?.stop() }
  }
}

/** Reads the known peers when the network is up, and writes the members' addresses when it goes down. */
export function peerstoreKeeper ({ folder, config, log }: NodeInit, { network, members }: { network: Network, members: () => PeerId[] }): Startable {
  const path = peerstorePath(folder, config)
  const { host, neighbours } = network
  let isRead = false
  return {
    name: 'peerstore',
    start: async () => {
      const { addresses, badLines } = await readPeerstore(path)
      if (badLines.length > 0) log.warn('the peerstore has lines that are no peer addresses', { path, lines: badLines.length })
      await neighbours.remember(addresses)
      isRead = true
    },
    stop: async () => {
      const addresses = members().flatMap(peer => host.addressesOf(peer))
      // a peer that saw nobody this time keeps what it knew
      if (isRead && addresses.length > 0) await writePeerstore(path, addresses)
      isRead = false
    }
  }
}

/** Everybody's ping comes once per interval, at the latest with the heartbeats after it. */
const silentAfterMs = ({ monitorPingIntervalMs, pubsub }: NodeInit['config']['cluster']): number => 3 * Math.max(monitorPingIntervalMs, pubsub.heartbeatIntervalMs)

function gossipInit ({ config: { cluster }, identity }: NodeInit): Parameters<typeof libp2pGossip>[0] {
  const { heartbeatIntervalMs, dFactor, historyLength, historyGossip, floodPublish } = cluster.pubsub
  return { self: identity.id, heartbeatIntervalMs, dFactor, historyLength, historyGossip, floodPublish, peerExchange: !cluster.followerMode, silentAfterMs: silentAfterMs(cluster) }
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
