import { hostname } from 'node:os'
import type { Clock, Random } from '../../base/clock.ts'
import { together } from '../../base/lifecycle.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { Startable } from '../../base/lifecycle.ts'
import { Listeners } from '../../base/listeners.ts'
import { systemClock, systemRandom } from '../../base/system.ts'
import { WorkerRunner } from '../../base/worker.ts'
import { auditNote } from '../../cluster/audit/audit-rows.ts'
import type { Importers } from '../../cluster/add/upload.ts'
import { createCluster } from '../../cluster/cluster.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { allocatedPeersOf } from '../../cluster/pinning/allocated-peers.ts'
import { joinCluster } from '../../cluster/peers/join.ts'
import { crdtConsensus, storedBlock, trustOf } from '../../consensus/crdt/crdt-consensus.ts'
import type { CrdtConsensus } from '../../consensus/crdt/crdt-consensus.ts'
import { RecentWarnings } from '../../events/warnings.ts'
import { carImporter } from '../../importer/car-importer.ts'
import { createSharder } from '../../importer/sharder.ts'
import { unixfsImporter } from '../../importer/unixfs-importer.ts'
import { metricPublisher } from '../../informer/publisher/metric-publisher.ts'
import { pubsubMonitor } from '../../monitor/pubsub/pubsub-monitor.ts'
import { remotePinsets } from '../../network/pinset/pinset.ts'
import { remoteProgress } from '../../network/progress/progress.ts'
import { remoteStatuses } from '../../network/progress/statuses.ts'
import type { AllocatedPeers } from '../../ipfs/allocated-peers.ts'
import { noOpObserver } from '../../observe/observer.ts'
import type { Observer } from '../../observe/observer.ts'
import { statelessTracker } from '../../tracker/stateless/stateless-tracker.ts'
import type { StatelessTracker } from '../../tracker/stateless/stateless-tracker.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import { parsePingValue } from '../../model/metric.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { HttpHost } from '../../network/host/http/http-host.ts'
import { decodeMetric, encodeMetric } from '../../wire/metric.ts'
import { composeBlockThreads } from '../block-threads/block-threads.ts'
import { composeApis, composeReading } from './compose-apis.ts'
import { composeDenylist } from './compose-denylist.ts'
import { composeHttpHosts } from './compose-http-host.ts'
import { composeEvents } from './compose-events.ts'
import type { ComposedEvents, EventsDeps } from './compose-events.ts'
import { composeIpfs } from './compose-ipfs.ts'
import type { ComposedIpfs, IpfsDeps } from './compose-ipfs.ts'
import { allocatorOf, informersOf, publishAfterPins } from './compose-metrics.ts'
import { composeNetwork } from './compose-network.ts'
import type { Network, NetworkDeps } from './compose-network.ts'
import { observedBy } from './compose-observe.ts'
import type { ComposedService, ComposeService } from './compose-service.ts'
import { composeStores } from './compose-stores.ts'
import type { Stores, StoresDeps } from './compose-stores.ts'
import type { NodeInit } from '../node-contract.ts'
import { refusingLookups } from '../refusing-ipfs.ts'
import type { Apis } from './compose-apis.ts'
import type { HttpHosts } from './compose-http-host.ts'
import { composePeerServers } from './compose-peer-servers.ts'

/** A peer, built and not started. */
export interface ComposedNode {
  /** In the order in which they start. */
  components: Startable[]
  readonly cluster: Cluster
  readonly consensus: CrdtConsensus
  readonly tracker: StatelessTracker
  readonly monitor: Monitor
  addresses (): Record<string, string[]>
}

/**
 * What a peer is built on. What isn't given is the machine's or the real thing; everything that needs it gets what is given. So a peer is
 * composed the same way wherever it lives, in a simulated world too.
 */
export interface NodeOverrides {
  clock?: Clock
  random?: Random
  /** What is on its disk. */
  stores?: (deps: StoresDeps) => Stores
  /** The other peers. */
  network?: (deps: NetworkDeps) => Network
  /** Its IPFS node; refuses what is denied. */
  ipfs?: (deps: IpfsDeps) => ComposedIpfs
  /** What happens, for who watches it. */
  events?: (deps: EventsDeps) => ComposedEvents
  importers?: Importers
  /** Looks on. Default: nobody. */
  observer?: Observer
  /** As /proc/locks lists them, begun to be read early. */
  locks?: StoresDeps['locks']
  /** The service layer, when there is to be one. */
  composeService?: ComposeService | undefined
  /** What `init.log` has said. */
  warnings?: RecentWarnings
}

/**
 * The composition root: picks implementations, hands each its collaborators. Nobody gets what isn't there yet: who learns of something
 * later is told by an event.
 */
export function composeNode (init: NodeInit, overrides: NodeOverrides = {}): ComposedNode {
  const { config, folder, identity, log } = init
  const { clock = systemClock, random = systemRandom, observer = noOpObserver, locks, composeService } = overrides
  const { warnings = new RecentWarnings({ printed: facts => facts }, { clock }) } = overrides
  const workers = new WorkerRunner({ clock, random, log: log.child('worker') })
  const storesOf = overrides.stores ?? (deps => composeStores({ folder, config }, deps))
  const stores = storesOf({ log: log.child('datastore'), workers, clock, locks, damaged: err => init.damaged?.(err) })
  const peerName = config.cluster.peername === '' ? hostname() : config.cluster.peername
  const beganAt = clock.elapsed()
  // every member pings once per interval
  const isFresh = (): boolean => clock.elapsed() - beganAt < 2 * config.cluster.monitorPingIntervalMs
  const self = identity.id
  const crdt = crdtInit(init)

  const networkOf = overrides.network ?? (deps => composeNetwork(init, deps))
  const network = networkOf({ trusts: trustOf(crdt), storedBlock: cid => storedBlock(stores.pinset, cid), workers, clock, log })
  const { host, gossip, streams, exchange, history, remotes, connections } = network
  const monitor = pubsubMonitor({ self, checkIntervalMs: config.monitor.checkIntervalMs },
    { broadcast: gossip, codec: { encode: encodeMetric, decode: decodeMetric }, clock, log: log.child('monitor'), workers })
  const consensus = crdtConsensus(crdt, {
    datastore: stores.pinset, reserve: stores.reserve, broadcast: gossip, exchange, history, workers, clock, log: log.child('crdt'),
    onCommitted: cid => network.committed(cid)
  })
  const denylist = composeDenylist(init, { clock, log, workers })
  const holders = (root: CID): AllocatedPeers =>
    allocatedPeersOf(root, { self, peersetMetric: config.crdt.peersetMetric }, { state: consensus.state, monitor, remotes, isFresh })
  const ipfsOf = overrides.ipfs ?? (deps => composeIpfs(init, deps))
  const listening = Promise.withResolvers<void>()
  const ownNode = ipfsOf({ stores, denylist, allocatedPeersOf: holders, mayLoad: listening.promise, clock, random, log, workers })
  const ipfs = observer.ipfs(ownNode)
  // the embedded node writes what it unpins together; another one has each asked for
  const concurrentUnpins = config.ipfs.kind === 'helia' ? 64 : 4
  const tracker = statelessTracker(
    {
      self, ...config.tracker, concurrentUnpins, pinRecoverIntervalMs: config.cluster.pinRecoverIntervalMs,
      queues: { by: config.tracker.queueBy, shares: config.tracker.queues }
    },
    {
      state: consensus.state, progress: () => consensus.progress(), durable: async () => consensus.durable(), ipfs, datastore: stores.local,
      deniedBy: cid => denylist.checkCid(cid)?.rule,
      noteOn: cid => auditNote(cid, { self, datastore: stores.local }),
      clock, log: log.child('pintracker'),
      identity: () => identityOf(monitor, self, peerName)
    })
  const eventsOf = overrides.events ?? (deps => composeEvents({ self, config }, deps))
  const { events, watching, components: eventComponents } = eventsOf({
    consensus, tracker, monitor, statuses: remoteStatuses({ streams, clock }), remotes, warnings, workers, clock, random, log
  })
  // threads know real time only
  const threads = clock === systemClock ? composeBlockThreads(config, { clock, log }) : undefined
  const importers = overrides.importers
    ?? { unixfs: unixfsImporter({}, threads), car: carImporter({}, threads), sharder: createSharder }
  const cluster = createCluster({
    ...config.cluster, self, peerName, version: init.version, peersetMetric: config.crdt.peersetMetric,
    connectSwarmsDelayMs: config.ipfs.connectSwarmsDelayMs,
    ...config.ipfs.kind === 'helia' ? { collectAt: config.ipfs.gcWatermark / 100 } : {}
  }, {
    consensus, ipfs, denylist, tracker, monitor, host, gossip, workers, clock, remotes, remoteProgress: remoteProgress({ streams, clock }),
    digests: consensus.digests, remotePinsets: remotePinsets({ streams, clock }), temporaryStore: stores.temporary, datastore: stores.local,
    onDrain: drain => events.peerDrain(drain),
    allocator: init.extensions?.allocator ?? allocatorOf(config), importers,
    log: log.child('cluster')
  })
  cluster.onSync(row => events.peerSync(row))
  const outside = {
    ...composeReading({ folder, config }, { clock, random }),
    cluster: observer.cluster(cluster), ipfs, importers, blocks: stores.blocks, denylist,
    names: refusingLookups(ownNode.names, denylist), consensus,
    watching, workers, observer, clock, random, log
  }
  const announcements = new Listeners<void>()
  const service = composeService?.({ ...outside, monitor, tracker, clusterEvents: events, announceSoon: () => announcements.emit() })
  const { ping, informers } = informersOf({ config, peerName, more: init.extensions?.informers ?? [] }, {
    ipfs, tracker, digests: consensus.digests, drains: { own: () => cluster.drainsOf(), isDrained: () => cluster.isDraining(self) }, clock,
    log
  })
  const publisher = metricPublisher({ self }, {
    monitor, workers, ping, informers: service == null ? informers : [...informers, service.informer]
  })
  announcements.add(() => publisher.publishSoon())
  publishAfterPins({ every: config.ipfs.informerTriggerInterval }, { tracker, publisher })
  const peerServers = composePeerServers({ closed: config.rpc?.closed ?? [] }, {
    streams, consensus, cluster, tracker, ipfs, statuses: events.ownStatuses, clock, log
  })
  const join = joinCluster({ bootstrap: init.bootstrap, ...config.cluster }, {
    dial: async (address, options) => connections.dial(address, options),
    dialKnown: async options => connections.dialKnown(options),
    introduce: async (peer, options) => network.introduce(peer, options),
    publish: () => publisher.publishAll(),
    monitor, tracker, clock, log: log.child('cluster')
  })
  const apis = composeApis({ folder, config, version: init.version }, { ...outside, coming: service?.coming })
  const httpHosts = composeHttpHosts(init, { apis, clock, log })
  const observing = observedBy(observer, {
    blocks: stores.blocks, consensus, ipfs, denylist, tracker, monitor, host, gossip, cluster, workers, service: service?.figures,
    peersetMetric: config.crdt.peersetMetric
  })

  // loading libp2p's modules takes the only thread for 0.1 s: first who is waiting to connect gets an answer
  const listenersOpen: Startable = {
    name: 'listeners',
    start: async () => {
      await yieldToEventLoop()
      listening.resolve()
    },
    stop: async () => {}
  }
  // an embedded node that can't listen is no peer of anybody; an external one may come later
  const ipfsListens: Startable | undefined = config.ipfs.kind === 'helia'
    ? { name: 'IPFS node listens', start: async signal => ipfs.ready({ signal }), stop: async () => {} }
    : undefined
  // listeners open as soon as the pinset can be read: /health must not wait for libp2p
  const components = [
    ...observing, threads, denylist, stores.reserve,
    together('stores', [stores.pinset, stores.local, stores.blocks].filter(store => store != null)),
    consensus, ...network.serving, network.givingHistory(consensus), apis.restapi, apis.pinsvcapi, apis.ipfsproxy, ipfs, apis.gateway,
    tracker, monitor, ...eventComponents, workers, listenersOpen,
    httpHosts.restapi, httpHosts.pinsvcapi, apis.webui, ...peerServers, ...network.listening, ipfsListens,
    ...network.connecting(monitor), cluster, ...service?.components ?? [], publisher, join, ...network.last
  ]
  return {
    components: components.filter(component => component != null),
    cluster, consensus, tracker, monitor,
    addresses: () => ({ ...apiAddresses({ apis, httpHosts, service }), cluster: host.addresses() })
  }
}

/** What listens, by API; those that aren't there are left out. */
function apiAddresses (
  { apis, httpHosts, service }: { apis: Apis, httpHosts: HttpHosts, service: ComposedService | undefined }
): Record<string, string[]> {
  const { restapi, pinsvcapi, ipfsproxy, gateway, webui } = apis
  const listening = Object.entries({ restapi, pinsvcapi, ipfsproxy, gateway, webui, service })
    .filter((entry): entry is [string, NonNullable<typeof entry[1]>] => entry[1] != null)
  const overLibp2p: Readonly<Record<string, HttpHost | undefined>> = { ...httpHosts }
  return Object.fromEntries(listening.map(([name, api]) => [name, [...api.addresses(), ...overLibp2p[name]?.addresses() ?? []]]))
}

/** What rows of status lists say of this peer: its own latest ping. */
function identityOf (monitor: Monitor, self: PeerId, peerName: string) {
  const ping = monitor.latestOf('ping', self)
  const { ipfsId, ipfsAddresses } = parsePingValue(ping?.value ?? '{}')
  return { peerName, ipfsPeerId: ipfsId, ipfsPeerAddresses: ipfsAddresses }
}

function crdtInit ({ config: { crdt }, identity }: NodeInit): Parameters<typeof crdtConsensus>[0] {
  return {
    self: identity.id,
    clusterName: crdt.clusterName,
    trustedPeers: crdt.trustedPeers.includes('*') ? '*' : crdt.trustedPeers,
    rebroadcastIntervalMs: crdt.rebroadcastIntervalMs,
    repairIntervalMs: crdt.repairIntervalMs,
    batching: {
      maxBatchSize: crdt.batching.maxBatchSize, maxBatchAgeMs: crdt.batching.maxBatchAgeMs, maxQueueSize: crdt.batching.maxQueueSize
    }
  }
}
