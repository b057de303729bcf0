import { hostname } from 'node:os'
import { allocatorOf, informersOf } from './compose-metrics.ts'
import { calmLogger } from '../base/calm-logger.ts'
import { together } from '../base/lifecycle.ts'
import type { Startable } from '../base/lifecycle.ts'
import { systemClock, systemRandom } from '../base/system.ts'
import { WorkerRunner } from '../base/worker.ts'
import { createCluster } from '../cluster/cluster.ts'
import { holdersOf } from '../cluster/pinning/holders.ts'
import { progressHere } from '../cluster/status/progress.ts'
import { joinCluster } from '../cluster/peers/join.ts'
import { crdtConsensus } from '../consensus/crdt/crdt-consensus.ts'
import { RecentWarnings } from '../events/warnings.ts'
import { importCar } from '../importer/car-importer.ts'
import { createSharder } from '../importer/sharder.ts'
import { importEntries } from '../importer/unixfs-importer.ts'
import { metricPublisher } from '../informer/publisher/metric-publisher.ts'
import { pubsubMonitor } from '../monitor/pubsub/pubsub-monitor.ts'
import { progressServer, remoteProgress } from '../network/progress/progress.ts'
import { remoteStatuses, statusesServer } from '../network/progress/statuses.ts'
import type { Observer } from '../observe/observer.ts'
import { rpcHandlers } from '../rpc/handlers.ts'
import { introduce, rpcRemotePeers } from '../rpc/remote-peers.ts'
import { rpcServer } from '../rpc/server.ts'
import { statelessTracker } from '../tracker/stateless/stateless-tracker.ts'
import type { PeerId } from '../model/cid.ts'
import { parsePingValue } from '../model/metric.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { decodeMetric, encodeMetric } from '../wire/metric.ts'
import { composeFaces, composeReading } from './compose-faces.ts'
import { composeDenylist } from './compose-denylist.ts'
import { composeHttpHosts } from './compose-http-host.ts'
import { composeEvents } from './compose-events.ts'
import { composeIpfs, listenersFirstMs } from './compose-ipfs.ts'
import { composeNetwork, peerstoreKeeper, reachabilityWatch } from './compose-network.ts'
import { observedBy } from './compose-observe.ts'
import type { ComposeService } from './compose-service.ts'
import { composeStores } from './compose-stores.ts'
import type { StoresDeps } from './compose-stores.ts'
import type { NodeInit } from './node-contract.ts'
import { refusingLookups } from './refusing-ipfs.ts'
import { withPublishTrigger } from './publish-trigger.ts'

/** A peer, built and not started. */
export interface ComposedNode {
  /** In the order in which they start. */
  components: Startable[]
  addresses (): Record<string, string[]>
}

/** `observer` looks on; `locks`: as /proc/locks lists them, begun to be read early; `composeService`: the service layer, when there is to be one; `warnings`: what `init.log` has said. */
export interface NodeSurroundings { observer: Observer, locks?: StoresDeps['locks'], composeService?: ComposeService | undefined, warnings?: RecentWarnings }

/** The composition root: picks implementations, hands each its collaborators. */
export function composeNode (init: NodeInit, { observer, locks, composeService, warnings = new RecentWarnings({ printed: facts => facts }, { clock: systemClock }) }: NodeSurroundings): ComposedNode {
  const { config, folder, identity, log } = init
  const clock = systemClock
  const random = systemRandom
  const workers = new WorkerRunner({ clock, random, log: log.child('worker') })
  const stores = composeStores({ folder, config }, { log: log.child('datastore'), workers, clock, locks, damaged: err => init.damaged?.(err) })
  const peerName = config.cluster.peername === '' ? hostname() : config.cluster.peername
  const beganAt = clock.now()
  // every member pings once per interval
  const isFresh = (): boolean => clock.now() - beganAt < 2 * config.cluster.monitorPingIntervalMs
  const self = identity.id

  const network = composeNetwork(init, { consensus: () => consensus, pingHoldsMs: peer => pingHoldsMs(monitor, peer), workers, clock, log })
  const { host, gossip, streams, exchange, history, neighbours, client } = network
  const consensus = crdtConsensus(crdtInit(init), { datastore: stores.pinset, reserve: stores.reserve, broadcast: gossip, exchange, history, workers, clock, log: log.child('crdt'), onCommitted: cid => network.handOver.committed(cid) })
  const remotes = rpcRemotePeers(client)
  const denylist = composeDenylist(init, { clock, log, workers })
  const ownNode = composeIpfs(init, { stores, denylist, holdersOf: root => holdersOf(root, { self, peersetMetric: config.crdt.peersetMetric }, { state: consensus.state, monitor, remotes, isFresh }), clock, random, log, workers })
  const ipfs = observer.ipfs(withPublishTrigger(ownNode, { every: config.ipfs.informerTriggerInterval, publish: () => publisher.publishSoon() }))
  const monitor = pubsubMonitor({ self, checkIntervalMs: config.monitor.checkIntervalMs },
    { broadcast: gossip, codec: { encode: encodeMetric, decode: decodeMetric }, clock, log: log.child('monitor'), workers })
  const tracker = statelessTracker({ self, ...config.tracker, pinRecoverIntervalMs: config.cluster.pinRecoverIntervalMs },
    { state: consensus.state, progress: () => consensus.progress(), durable: async () => consensus.durable(), ipfs, datastore: stores.local, deniedBy: cid => denylist.checkCid(cid)?.rule, clock, log: log.child('pintracker'), identity: () => identityOf(monitor, self, peerName) })
  const { events, watching, components: eventComponents } = composeEvents({ self, config }, { consensus, tracker, monitor, statuses: remoteStatuses({ streams, clock }), remotes, warnings, workers, clock, random, log })
  const cluster = createCluster({ ...config.cluster, self, peerName, version: init.version, peersetMetric: config.crdt.peersetMetric, connectSwarmsDelayMs: config.ipfs.connectSwarmsDelayMs }, {
    consensus, ipfs, denylist, tracker, monitor, host, gossip, workers, clock, remotes, remoteProgress: remoteProgress({ streams, clock }), temporaryStore: stores.temporary, datastore: stores.local,
    allocator: allocatorOf(config), importers: { unixfs: importEntries, car: importCar, sharder: createSharder }, log: log.child('cluster')
  })
  const outside = {
    ...composeReading({ folder, config }, { clock, random }),
    cluster: observer.cluster(cluster), ipfs, blocks: stores.blocks, denylist, names: refusingLookups(ownNode.names, denylist), consensus, watching, workers, observer, clock, random, log
  }
  const service = composeService?.({ ...outside, monitor, clusterEvents: events, announceSoon: () => publisher.publishSoon() })
  const { ping, informers } = informersOf({ config, peerName }, { ipfs, tracker, digests: consensus.digests, drains: { own: () => cluster.drainsOf(), isDrained: () => cluster.isDraining(self) }, clock, log })
  const publisher = metricPublisher({ self }, { monitor, workers, ping, informers: service == null ? informers : [...informers, service.informer] })
  const rpc = rpcServer({ streams, trusts: peer => consensus.trusts(peer), handlers: rpcHandlers({ cluster, tracker, ipfs, consensus }), closed: config.rpc?.closed ?? [], log: calmLogger({ log: log.child('rpc'), clock }) })
  const progress = progressServer({ streams, trusts: peer => consensus.trusts(peer), report: cid => progressHere(cid, { tracker, ipfs }), clock, log: log.child('progress') })
  const statuses = statusesServer({ streams, trusts: peer => consensus.trusts(peer), statuses: events.ownStatuses, clock, log: log.child('events') })
  const peerstore = peerstoreKeeper(init, { network, members: () => monitor.latest(config.crdt.peersetMetric).map(metric => metric.peer).filter(peer => peer !== self) })
  const join = joinCluster({ bootstrap: init.bootstrap, ...config.cluster }, {
    dial: async (address, options) => neighbours.dial(address, options),
    dialKnown: async options => neighbours.dialKnown(options),
    introduce: async (peer, options) => introduce(client, peer, { self, ...options }),
    publish: () => publisher.publishAll(),
    monitor, tracker, clock, log: log.child('cluster')
  })
  const faces = composeFaces({ folder, config, version: init.version }, { ...outside, coming: service?.coming })
  const httpHosts = composeHttpHosts(init, { faces, clock, log })
  const observing = observedBy(observer, { blocks: stores.blocks, consensus, ipfs, denylist, tracker, monitor, host, gossip, cluster, workers, service: service?.figures, peersetMetric: config.crdt.peersetMetric })

  const listenersFirst: Startable = { name: 'listeners first', start: async signal => clock.sleep(listenersFirstMs, signal), stop: async () => {} }
  // an embedded node that can't listen is no peer of anybody; an external one may come later
  const ipfsListens: Startable | undefined = config.ipfs.kind === 'helia' ? { name: 'IPFS node listens', start: async signal => ipfs.ready({ signal }), stop: async () => {} } : undefined
  // listeners open as soon as the pinset can be read: /health must not wait for libp2p
  const components = [
    ...observing, denylist, stores.reserve, together('stores', [stores.pinset, stores.local, stores.blocks].filter(store => store != null)), consensus, faces.restapi, faces.pinsvcapi, faces.ipfsproxy, ipfs, faces.gateway, tracker, monitor, ...eventComponents, workers, listenersFirst,
    httpHosts.restapi, httpHosts.pinsvcapi, faces.webui, rpc, progress, statuses, exchange, network.historyServer, host, ipfsListens, reachabilityWatch(network, workers), neighbours, peerstore, cluster, ...service?.components ?? [], publisher, join, network.handOver
  ]
  return {
    components: components.filter(component => component != null),
    addresses: () => ({
      ...(faces.restapi == null ? {} : { restapi: [...faces.restapi.addresses(), ...httpHosts.restapi?.addresses() ?? []] }),
      ...(faces.pinsvcapi == null ? {} : { pinsvcapi: [...faces.pinsvcapi.addresses(), ...httpHosts.pinsvcapi?.addresses() ?? []] }),
      ...(faces.ipfsproxy == null ? {} : { ipfsproxy: [...faces.ipfsproxy.addresses()] }),
      ...(faces.gateway == null ? {} : { gateway: [...faces.gateway.addresses()] }),
      ...(faces.webui == null ? {} : { webui: [...faces.webui.addresses()] }),
      ...(service == null ? {} : { service: [...service.addresses()] }),
      cluster: host.addresses()
    })
  }
}

/** What rows of status lists say of this peer: its own latest ping. */
function identityOf (monitor: Monitor, self: PeerId, peerName: string) {
  const ping = monitor.latestOf('ping', self)
  const { ipfsId, ipfsAddresses } = parsePingValue(ping?.value ?? '{}')
  return { peerName, ipfsPeerId: ipfsId, ipfsPeerAddresses: ipfsAddresses }
}

/** Also of one that has expired: a slow peer stays slow. */
function pingHoldsMs (monitor: Monitor, peer: PeerId): number | undefined {
  const ping = monitor.lastKnownOf('ping', peer)
  return ping == null ? undefined : Number(ping.expire - ping.receivedAt) / 1e6
}

function crdtInit ({ config: { crdt }, identity }: NodeInit): Parameters<typeof crdtConsensus>[0] {
  return {
    self: identity.id,
    clusterName: crdt.clusterName,
    trustedPeers: crdt.trustedPeers.includes('*') ? '*' : crdt.trustedPeers,
    rebroadcastIntervalMs: crdt.rebroadcastIntervalMs,
    repairIntervalMs: crdt.repairIntervalMs,
    batching: { maxBatchSize: crdt.batching.maxBatchSize, maxBatchAgeMs: crdt.batching.maxBatchAgeMs, maxQueueSize: crdt.batching.maxQueueSize }
  }
}
