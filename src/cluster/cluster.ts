import type { Allocator } from '../allocator/allocator.ts'
import type { Clock } from '../base/clock.ts'
import { ClusterError, isClusterError } from '../base/errors.ts'
import type { Startable } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { WorkerHandle, Workers } from '../base/worker.ts'
import type { Consensus, PinsetChange } from '../consensus/consensus.ts'
import type { PinsetDigests } from '../consensus/pinset-digest.ts'
import type { Datastore } from '../datastore/datastore.ts'
import type { Denylist } from '../ipfs/denylist.ts'
import type { IpfsConnector } from '../ipfs/ipfs.ts'
import type { AddedOutput, AddParams, UploadEntry } from '../model/add.ts'
import type { CID, PeerId } from '../model/cid.ts'
import type { Alert, Metric } from '../model/metric.ts'
import { pinsetMetric } from '../model/pinset-metric.ts'
import type { Bandwidth, ConnectGraph, PeerInfo, RepoGc, RepoTotals } from '../model/peer.ts'
import type { GlobalPinInfo } from '../model/pin-info.ts'
import type { Pin, PinOptions } from '../model/pin.ts'
import { pinWithOptions } from '../model/pin.ts'
import type { StatusFilter } from '../model/status.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { ClusterHost } from '../network/network.ts'
import type { RemotePeers } from '../network/remote-peers.ts'
import type { RemotePinsets } from '../network/remote-pinsets.ts'
import type { RemoteProgress } from '../network/remote-progress.ts'
import type { PinTracker } from '../tracker/tracker.ts'
import type { AuditRows } from './audit/audit-rows.ts'
import type { AuditPolicy } from './audit/audits.ts'
import type { Importers } from './add/upload.ts'
import type {
  AuditOrder, AuditResult, AuditRun, CallOptions, ClusterApi, ClusterSync, DrainOrder, DrainStatus, Health, MetricHistory, MoveOrder,
  PeerPinProgress, PeerSync, PinsetDiff, PinsetDiffOptions, PinsHealth, PeersOptions, RebalanceOrder, RebalancePlan, RebalanceStatus,
  ScopeOptions, StatusOptions
} from './cluster-api.ts'
import { refuseInFollowerMode } from './follower.ts'
import { connectGraph } from './peers/graph.ts'
import type { ExpectedPeers } from './peers/isolation.ts'
import { healthOf } from './status/health.ts'
import type { HealthDeps } from './status/health.ts'
import { resolvePath } from './pinning/path.ts'
import { totalRepoStat } from './repo/repo-stat.ts'
import type { HealingPolicy } from './pinning/repin.ts'
import type { TemporaryStore } from './status/status-rows.ts'
import type { UseCases } from './use-cases.ts'
import { createUseCases } from './use-cases.ts'

/** The settings of the `cluster` section and what the peer is called. Times in milliseconds. */
export interface ClusterInit {
  self: PeerId
  peerName: string
  /** The version on the wire. */
  version: string
  followerMode: boolean
  replicationFactorMin: number
  replicationFactorMax: number
  disableRepinning: boolean
  /** Default: Go's. */
  healing?: HealingPolicy
  /** How this peer looks by itself whether its content is there. Default: it doesn't. */
  audit?: AuditPolicy
  /** Share of the IPFS repository's room, 0 to 1, from which on this peer collects garbage by itself. Default: it doesn't. */
  collectAt?: number
  stateSyncIntervalMs: number
  pinRecoverIntervalMs: number
  monitorPingIntervalMs: number
  pinOnlyOnTrustedPeers: boolean
  pinOnlyOnUntrustedPeers: boolean
  /** The metric that makes a peer a member. */
  peersetMetric: string
  /** When the other peers' IPFS nodes are connected, after ours answers. 0: never. */
  connectSwarmsDelayMs: number
}

export interface ClusterDeps {
  consensus: Consensus
  ipfs: IpfsConnector
  tracker: PinTracker
  allocator: Allocator
  monitor: Monitor
  host: Pick<ClusterHost, 'addresses' | 'addressesOf' | 'bandwidth'>
  remotes: RemotePeers
  /** What is heard of the others, for the health of this peer. */
  gossip?: HealthDeps['gossip']
  /** Whom this peer was told to connect to. */
  expectedPeers?: ExpectedPeers
  /** How far pins are on other peers. Without it only this peer is asked. */
  remoteProgress?: RemoteProgress
  /** The digest of this peer's pinset, and the pinsets of others. Without them nobody can be out of sync. */
  digests?: PinsetDigests
  remotePinsets?: RemotePinsets
  importers: Importers
  /** What may not be pinned or added. Without it everything may. `lists`, for the health of this peer. */
  denylist?: Denylist & NonNullable<HealthDeps['denylist']>
  /** An empty, started store for a moment. Without it the rows of status listings of several peers stay in memory. */
  temporaryStore?: () => Promise<TemporaryStore>
  /**
   * Keeps what of the use cases must outlive the process: removals of peers under way. Started before the cluster. Without it they end with
   * the process.
   */
  datastore?: Datastore
  /** What audits of this peer found, for who else tells of it. Default: rows of `datastore`. */
  auditRows?: AuditRows
  /** Told of each new state of a drain that this peer does. */
  onDrain?: (drain: DrainStatus) => void
  clock: Clock
  log: Logger
  workers: Workers
}

/** A cluster peer's use cases. Its collaborators are started before it and stopped after it. */
export interface Cluster extends ClusterApi, Startable {
  /** Pins with a missing holder, for metrics: as of a minute ago; undefined before the first look. */
  underReplicated (): number | undefined
  /** Pins that audits of this peer have looked at since the start, by what they found. */
  auditCounts (): Readonly<Record<AuditResult['state'], number>>
  /** Calls back with each peer whose pinset gets out of sync with this one's, and when it is so no more. */
  onSync (listener: (row: PeerSync) => void): () => void
  /** Peers that this one drains, for its ping. */
  drainsOf (): PeerId[]
  /** Peers that this one has removed lately and that are gone, for its ping. */
  removedPeers (): PeerId[]
  /** Whether a peer is being drained, by whomever. */
  isDraining (peer: PeerId): boolean
}

/** Hears the pinset's changes from now on; loops and alerts begin with `start`. */
export function createCluster (init: ClusterInit, deps: ClusterDeps): Cluster {
  return new ClusterPeer(init, deps)
}

class ClusterPeer implements Cluster {
  readonly name = 'cluster'
  readonly peer: PeerId
  readonly version: string
  readonly #init: ClusterInit
  readonly #deps: ClusterDeps
  readonly #cases: UseCases
  readonly #subscriptions: Array<() => void> = []
  readonly #loops: WorkerHandle[] = []
  /** Starts behind the host; what was under way is known again. */
  #isStarted = false

  constructor (init: ClusterInit, deps: ClusterDeps) {
    this.peer = init.self
    this.version = init.version
    this.#init = init
    this.#deps = deps
    this.#cases = createUseCases(init, deps)
    this.#subscriptions.push(deps.consensus.onChange(changes => this.#follow(changes)))
  }

  async start (signal: AbortSignal): Promise<void> {
    const { workers, monitor } = this.#deps
    await this.#cases.leaving.load(signal)
    await this.#cases.audits.load(signal)
    const { swarm, loops, repinLoop, drains, moves, rebalances, isolation } = this.#cases
    isolation.start()
    this.#loops.push(...loops.map(loop => workers.add(loop)))
    this.#subscriptions.push(this.#cases.sync.onChange(row => this.#onSync(row)))
    this.#watchRemoved()
    if (this.#init.connectSwarmsDelayMs > 0) swarm.connectLater(this.#init.connectSwarmsDelayMs)
    if (this.#init.followerMode) return void (this.#isStarted = true)
    await moves.resume(signal)
    await drains.resume(signal)
    await rebalances.resume()
    this.#isStarted = true
    const repinning = workers.add(repinLoop)
    this.#loops.push(repinning)
    this.#subscriptions.push(monitor.onAlert(alert => this.#onAlert(alert, repinning)))
  }

  async stop (): Promise<void> {
    this.#isStarted = false
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe()
    this.#cases.swarm.stop()
    await Promise.all([this.#cases.drains.stop(), this.#cases.rebalances.stop()])
    await Promise.all(this.#loops.splice(0).map(async loop => loop.stop()))
  }

  /** The tracker hears every change; what is already back is not taken away. */
  #follow (changes: readonly PinsetChange[]): void {
    const { tracker, consensus } = this.#deps
    for (const { cid, pin } of changes) {
      if (pin != null) tracker.track(pin)
      else if (!consensus.state.has(cid)) tracker.untrack(cid)
    }
  }

  /** Among the alerts, as a metric that isn't right. */
  #onSync ({ peer, isTrusted, state }: PeerSync): void {
    const metric = this.#deps.monitor.lastKnownOf(pinsetMetric, peer)
    if (state === 'out_of_sync' && isTrusted && metric != null) {
      this.#cases.alerts.add({ ...metric, name: 'out_of_sync', triggeredAt: this.#deps.clock.now() })
    }
  }

  #watchRemoved (): void {
    const { removed } = this.#cases
    const { monitor, expectedPeers, log } = this.#deps
    this.#subscriptions.push(
      monitor.onMetric(metric => removed.hear(metric)),
      monitor.onAlert(({ name, peer }) => { if (name === 'ping') removed.gone(peer) }),
      removed.onGone(peer => {
        expectedPeers?.forget(peer)
        this.#endDrain(peer).catch(err => log.warn('the drain of a removed peer could not be ended', { peer, err }))
      })
    )
  }

  #onAlert (alert: Alert, repinning: WorkerHandle): void {
    this.#deps.log.warn('a metric expired', { metric: alert.name, peer: alert.peer })
    this.#cases.alerts.add(alert)
    if (alert.name !== 'ping') return
    this.#cases.leaving.gone(alert.peer)
    if (this.#init.disableRepinning) return
    this.#cases.repinner.note(alert.peer)
    repinning.wake()
  }

  async info (): Promise<PeerInfo> { return this.#cases.peers.info() }
  async health (): Promise<Health> { return healthOf({ ...this.#deps, isStarted: () => this.#isStarted, ...this.#cases }) }
  peers (call: PeersOptions = {}): AsyncIterable<PeerInfo> { return this.#cases.peers.all(call) }

  async addPeer (peer: PeerId, call: CallOptions = {}): Promise<PeerInfo> {
    const info = await this.#cases.peers.add(peer, call)
    if (this.#init.connectSwarmsDelayMs > 0) this.#cases.swarm.connectLater(this.#init.monitorPingIntervalMs)
    return info
  }

  async removePeer (peer: PeerId, call: CallOptions = {}): Promise<void> {
    await this.#cases.removal.remove(peer, call)
    await this.#endDrain(peer)
  }

  async #endDrain (peer: PeerId): Promise<void> {
    if (!this.#cases.draining.own().includes(peer)) return
    await this.#cases.drains.cancel(peer).catch(err => { if (!isClusterError(err, 'NOT_FOUND')) throw err }) // ended meanwhile
  }

  async drainPeer (peer: PeerId, order: DrainOrder, { signal }: CallOptions = {}): Promise<DrainStatus> {
    return this.#cases.drains.start(peer, order, signal)
  }
  drainOf (peer: PeerId): DrainStatus { return this.#cases.drains.status(peer) }
  drains (): DrainStatus[] { return this.#cases.drains.list() }
  async cancelDrain (peer: PeerId): Promise<DrainStatus> { return this.#cases.drains.cancel(peer) }
  async planRebalance (
    order: RebalanceOrder, { signal = new AbortController().signal }: CallOptions = {}
  ): Promise<RebalancePlan> { return this.#cases.rebalances.plan(order, signal) }
  async rebalance (
    order: RebalanceOrder, { signal = new AbortController().signal }: CallOptions = {}
  ): Promise<RebalanceStatus> { return this.#cases.rebalances.start(order, signal) }
  rebalanceStatus (): RebalanceStatus { return this.#cases.rebalances.status() }
  async cancelRebalance (): Promise<RebalanceStatus> { return this.#cases.rebalances.cancel() }
  drainsOf (): PeerId[] { return this.#cases.draining.own() }
  removedPeers (): PeerId[] { return this.#cases.removed.told() }
  isDraining (peer: PeerId): boolean { return this.#cases.draining.has(peer) }

  pin (cid: CID, options: PinOptions): Promise<Pin> { return this.#cases.pinner.pin(pinWithOptions(cid, options)) }

  async pinPath (path: string, options: PinOptions, call: CallOptions = {}): Promise<Pin> {
    refuseInFollowerMode(this.#init)
    return this.pin(await resolvePath(path, this.#deps.ipfs, call), options)
  }

  async unpin (cid: CID, call: CallOptions = {}): Promise<Pin> { return this.#cases.unpinner.unpin(cid, call) }

  async unpinPath (path: string, call: CallOptions = {}): Promise<Pin> {
    refuseInFollowerMode(this.#init)
    // denied content has to go, too
    return this.unpin(await resolvePath(path, this.#deps.ipfs, { ...call, evenDenied: true }), call)
  }

  allocation (cid: CID): Pin {
    const pin = this.#deps.consensus.state.get(cid)
    if (pin == null) throw new ClusterError('NOT_PINNED', { cid: cid.toString() })
    return pin
  }

  allocations (call: CallOptions = {}): AsyncIterable<Pin[]> { return this.#deps.consensus.state.pins(call) }
  allocationLines (call: CallOptions = {}): AsyncIterable<Uint8Array> { return this.#deps.consensus.state.jsonLines(call) }

  async status (cid: CID, scope: ScopeOptions = {}): Promise<GlobalPinInfo> { return this.#cases.statuses.status(cid, scope) }
  statusAll (filter: StatusFilter, scope: StatusOptions = {}): AsyncIterable<GlobalPinInfo[]> {
    return this.#cases.statuses.statusAll(filter, scope)
  }
  statusLines (filter: StatusFilter, scope: StatusOptions = {}): AsyncIterable<string | Uint8Array> {
    return this.#cases.statuses.statusLines(filter, scope)
  }
  async recover (cid: CID, scope: ScopeOptions = {}): Promise<GlobalPinInfo> { return this.#cases.recoveries.recover(cid, scope) }
  recoverAll (scope: ScopeOptions = {}): AsyncIterable<GlobalPinInfo[]> { return this.#cases.recoveries.recoverAll(scope) }

  async progress (cid: CID, call: CallOptions = {}): Promise<PeerPinProgress[]> { return this.#cases.progresses.of(cid, call) }

  async pinsHealth (call: CallOptions = {}): Promise<PinsHealth> { return this.#cases.healths.look(call) }
  audit (order: AuditOrder): AuditRun { return this.#cases.audits.start(order) }
  audits (): AuditRun[] { return this.#cases.audits.runs() }
  /** Pins that audits of this peer have looked at since the start, by what they found. */
  auditCounts (): Readonly<Record<AuditResult['state'], number>> { return { ...this.#cases.audits.counts } }
  cancelAudit (): AuditRun { return this.#cases.audits.cancel() }
  auditResults (
    options: CallOptions & { isBad?: boolean } = {}
  ): AsyncIterable<AuditResult[]> { return this.#cases.audits.results(options) }
  sync (): ClusterSync { return { own: this.#cases.sync.own(), peers: this.#cases.sync.rows() } }
  async pinsetDiff (
    peers: { one: PeerId, other: PeerId }, options: PinsetDiffOptions = {}
  ): Promise<PinsetDiff> { return this.#cases.diffs.diff(peers, options) }
  onSync (listener: (row: PeerSync) => void): () => void { return this.#cases.sync.onChange(listener) }
  async movePin (cid: CID, order: MoveOrder): Promise<Pin> { return this.#cases.moves.move(cid, order) }

  add (entries: AsyncIterable<UploadEntry>, params: AddParams, call: CallOptions = {}): AsyncIterable<AddedOutput> {
    return this.#cases.adder.add(entries, params, call)
  }

  async repoGc (scope: ScopeOptions = {}): Promise<Map<PeerId, RepoGc>> { return this.#cases.collection.collect(scope) }

  async repoStat (call: CallOptions = {}): Promise<RepoTotals> {
    return totalRepoStat({ ...this.#deps, members: this.#cases.members }, call)
  }

  async connectGraph (call: CallOptions = {}): Promise<ConnectGraph> {
    const { members, peers } = this.#cases
    return connectGraph({ ...this.#deps, members, peers }, call)
  }

  bandwidth (): Map<string, Bandwidth> { return this.#deps.host.bandwidth() }
  alerts (): Alert[] { return this.#cases.alerts.list() }
  metricNames (): string[] { return this.#deps.monitor.names() }
  metrics (name: string): Metric[] { return this.#deps.monitor.latest(name) }
  metricHistory (): MetricHistory { return this.#cases.history.read() }
  underReplicated (): number | undefined { return this.#cases.replications.underReplicated() }
}
