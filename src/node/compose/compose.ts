import { hostname } from 'node:os'
import type { Clock, Random } from '../../base/clock.ts'
import { together } from '../../base/lifecycle.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { Startable } from '../../base/lifecycle.ts'
import { Listeners } from '../../base/listeners.ts'
import { systemClock, systemRandom } from '../../base/system.ts'
import { WorkerRunner } from '../../base/worker.ts'
import type { Importers } from '../../cluster/add/upload.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { allocatedPeersOf } from '../../cluster/pinning/allocated-peers.ts'
import { joinCluster } from '../../cluster/peers/join.ts'
import type { CrdtConsensus } from '../../consensus/crdt/crdt-consensus.ts'
import { RecentWarnings } from '../../events/warnings.ts'
import type { MetricPublisher } from '../../informer/publisher/metric-publisher.ts'
import type { DenyFiles } from '../../ipfs/compact-denylist/deny-files.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { HttpHost } from '../../network/host/http/http-host.ts'
import { remoteStatuses } from '../../network/progress/statuses.ts'
import { noOpObserver } from '../../observe/observer.ts'
import type { Observer } from '../../observe/observer.ts'
import type { StatelessTracker } from '../../tracker/stateless/stateless-tracker.ts'
import { composeBlockThreads } from '../block-threads/block-threads.ts'
import { composeApis, composeHttpHosts, composeReading } from './compose-apis.ts'
import type { Apis, ApisDeps, HttpHosts } from './compose-apis.ts'
import { composeCluster, composeImporters } from './compose-cluster.ts'
import { composeEvents } from './compose-events.ts'
import type { ComposedEvents, EventsDeps } from './compose-events.ts'
import { composeDenylist, composeIpfs } from './compose-ipfs.ts'
import type { ComposedIpfs, IpfsDeps } from './compose-ipfs.ts'
import { composePublisher } from './compose-metrics.ts'
import { composeNetwork } from './compose-network.ts'
import type { Network, NetworkDeps } from './compose-network.ts'
import { observedBy } from './compose-observe.ts'
import { composePeerServers } from './compose-peer-servers.ts'
import { composePinset } from './compose-pinset.ts'
import type { ComposedPinset } from './compose-pinset.ts'
import type { ComposedService, ComposeService } from './compose-service.ts'
import { composeStores } from './compose-stores.ts'
import type { Stores, StoresDeps } from './compose-stores.ts'
import { composeTracker } from './compose-tracker.ts'
import { AuditRows } from '../../cluster/audit/audit-rows.ts'
import { opensInReserve } from '../folder/disk-reserve.ts'
import type { NodeInit } from '../node-contract.ts'
import { refusingLookups } from '../refusing-ipfs.ts'

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
  /** Instruments the parts: metrics and traces. Default: none. */
  observer?: Observer
  /** As /proc/locks lists them, begun to be read early. */
  locks?: StoresDeps['locks']
  /** The service layer, when there is to be one. */
  composeService?: ComposeService | undefined
  /** What `init.log` has said. */
  warnings?: RecentWarnings
}

/**
 * The composition root: picks implementations, hands each its collaborators, layer by layer. Nobody gets what isn't there yet: who learns
 * of something later is told by an event.
 */
export function composeNode (init: NodeInit, overrides: NodeOverrides = {}): ComposedNode {
  const ground = composeGround(init, overrides)
  const { workers, clock, random, log, observer } = ground
  const pinset = composePinset(init, { ...ground, networkOf: overrides.network ?? (deps => composeNetwork(init, deps)) })
  const { network, monitor, consensus } = pinset
  const denylist = composeDenylist(init, { clock, log, workers })
  const listening = Promise.withResolvers<void>()
  const ownNode = ownIpfs(init, overrides.ipfs, { ...ground, ...pinset, denylist, mayLoad: listening.promise })
  const ipfs = observer.ipfs(ownNode)
  const tracker = composeTracker(init, { ...ground, ...pinset, ipfs, denylist })
  const layers: Layers = { ...ground, ...pinset, denylist, ipfs, tracker }
  const eventsOf = overrides.events ?? (deps => composeEvents({ self: init.identity.id, config: init.config }, deps))
  const { events, watching, components: eventComponents } = eventsOf({
    ...layers, statuses: remoteStatuses({ streams: network.streams, clock }), remotes: network.remotes
  })
  // threads know real time only
  const threads = clock === systemClock ? composeBlockThreads(init.config, { clock, log }) : undefined
  const importers = overrides.importers ?? composeImporters(threads, { clock })
  const cluster = composeCluster(init, { ...layers, importers, events })
  const outside: ApisDeps = {
    ...composeReading(init, { clock, random }), cluster: observer.cluster(cluster), ipfs, importers, blocks: ground.stores.blocks, denylist,
    names: refusingLookups(ownNode.names, denylist), consensus, watching, workers, observer, clock, random, log
  }
  const announcements = new Listeners<void>()
  const service = overrides.composeService?.({
    ...outside, monitor, tracker, clusterEvents: events, announceSoon: () => announcements.emit()
  })
  const publisher = composePublisher(init, { ...layers, cluster, service: service?.informer, announcements })
  const peerServers = composePeerServers({ closed: init.config.rpc?.closed ?? [] }, {
    ...layers, streams: network.streams, cluster, statuses: events.ownStatuses
  })
  const join = composeJoin(init, { ...layers, publisher })
  const apis = composeApis(init, { ...outside, pendingImport: service?.pendingImport })
  const httpHosts = composeHttpHosts(init, { apis, clock, log })
  const observing = observedBy(observer, {
    ...layers, ...network, cluster, blocks: ground.stores.blocks, service: service?.figures, peersetMetric: init.config.crdt.peersetMetric
  })
  return {
    components: inOrderOfStart(init.config.ipfs.kind === 'helia', {
      ...layers, observing, threads, eventComponents, apis, httpHosts, listening, peerServers, cluster, service, publisher, join
    }),
    cluster, consensus, tracker, monitor,
    addresses: () => ({ ...apiAddresses({ apis, httpHosts, service }), cluster: network.host.addresses() })
  }
}

type Ground = ReturnType<typeof composeGround>

/** What is built when the use cases are. */
interface Layers extends Ground, ComposedPinset {
  denylist: DenyFiles
  ipfs: IpfsConnector
  tracker: StatelessTracker
}

/** What every part stands on. */
function composeGround (init: NodeInit, overrides: NodeOverrides) {
  const { config, folder, log } = init
  const { clock = systemClock, random = systemRandom, observer = noOpObserver, locks } = overrides
  const { warnings = new RecentWarnings({ printed: facts => facts }, { clock }) } = overrides
  const workers = new WorkerRunner({ clock, random, log: log.child('worker') })
  const storesOf = overrides.stores ?? (deps => composeStores({ folder, config }, deps))
  const stores = storesOf({ log: log.child('datastore'), workers, clock, locks, damaged: err => init.damaged?.(err) })
  const peerName = config.cluster.peername === '' ? hostname() : config.cluster.peername
  const auditRows = new AuditRows({ self: init.identity.id }, { datastore: stores.local })
  return { clock, random, observer, warnings, workers, stores, auditRows, peerName, log }
}

/** Its IPFS node asks those for what is below a pin that have it as the pinset says. */
function ownIpfs (
  init: NodeInit, make: NodeOverrides['ipfs'],
  deps: Ground & Pick<IpfsDeps, 'denylist' | 'mayLoad'> & ComposedPinset
): ComposedIpfs {
  const { config, identity: { id: self } } = init
  const { network: { remotes }, monitor, consensus, clock } = deps
  const beganAt = clock.elapsed()
  // every member pings once per interval
  const isFresh = (): boolean => clock.elapsed() - beganAt < 2 * config.cluster.monitorPingIntervalMs
  const asked: IpfsDeps = {
    ...deps,
    allocatedPeersOf: root =>
      allocatedPeersOf(root, { self, peersetMetric: config.crdt.peersetMetric }, { state: consensus.state, monitor, remotes, isFresh })
  }
  return make == null ? composeIpfs(init, asked) : make(asked)
}

/** What makes this peer a member: it connects, introduces itself and tells its metrics. */
function composeJoin (
  { bootstrap, config }: NodeInit, { network, publisher, monitor, tracker, clock, log }: Layers & { publisher: MetricPublisher }
): Startable {
  return joinCluster({ bootstrap, hasSecret: config.cluster.secret != null, ...config.cluster }, {
    dial: async (address, options) => network.connections.dial(address, options),
    dialKnown: async options => network.connections.dialKnown(options),
    introduce: async (peer, options) => network.introduce(peer, options),
    publish: () => publisher.publishAll(),
    monitor, tracker, clock, log: log.child('cluster')
  })
}

interface Parts extends Layers {
  observing: Startable[]
  threads: Startable | undefined
  eventComponents: Startable[]
  apis: Apis
  httpHosts: HttpHosts
  /** Resolved when what listens is open. */
  listening: PromiseWithResolvers<void>
  peerServers: Startable[]
  cluster: Cluster
  service: ComposedService | undefined
  publisher: Startable
  join: Startable
}

/** Everything that starts, in that order: listeners open as soon as the pinset can be read, because /health must not wait for libp2p. */
function inOrderOfStart (isEmbedded: boolean, parts: Parts): Startable[] {
  const { stores, network, apis, httpHosts, ipfs, tracker, monitor, consensus, workers, service } = parts
  // loading libp2p's modules takes the only thread for 0.1 s: first who is waiting to connect gets an answer
  const listenersOpen: Startable = {
    name: 'listeners',
    start: async () => {
      await yieldToEventLoop()
      parts.listening.resolve()
    },
    stop: async () => {}
  }
  // an embedded node that can't listen is no peer of anybody; an external one may come later
  const ipfsListens: Startable | undefined = isEmbedded
    ? { name: 'IPFS node listens', start: async signal => ipfs.ready({ signal }), stop: async () => {} }
    : undefined
  return [
    ...parts.observing, parts.threads, parts.denylist, stores.reserve,
    together('stores', [stores.pinset, stores.local, stores.blocks].filter(store => store != null).map(
      store => opensInReserve(store, stores.reserve)
    )),
    consensus, ...network.serving, network.givingHistory(consensus), apis.restapi, apis.pinsvcapi, apis.ipfsproxy, ipfs, apis.gateway,
    tracker, monitor, ...parts.eventComponents, workers, listenersOpen,
    httpHosts.restapi, httpHosts.pinsvcapi, apis.webui, ...parts.peerServers, ...network.listening, ipfsListens,
    ...network.connecting(monitor), parts.cluster, ...service?.components ?? [], parts.publisher, parts.join, ...network.last
  ].filter(component => component != null)
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
