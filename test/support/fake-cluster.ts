import { createHash } from 'node:crypto'
import { create as createDigest } from 'multiformats/hashes/digest'
import { ClusterError } from '../../src/base/errors.ts'
import type {
  AuditOrder, AuditResult, AuditRun, CallOptions, ClusterApi, ClusterSync, DrainOrder, DrainStatus, Health, HealthProblem, MetricHistory,
  MoveOrder, PeerPinProgress, PinsetDiff, PinsHealth, RebalanceOrder, RebalancePlan, RebalanceStatus, ScopeOptions, StatusOptions
} from '../../src/cluster/cluster-api.ts'
import { checkLimits } from '../../src/cluster/rebalance/limits.ts'
import type { AddedOutput, AddParams, UploadEntry } from '../../src/model/add.ts'
import type { PeerId } from '../../src/model/cid.ts'
import { CID, parseCid } from '../../src/model/cid.ts'
import type { Alert, Metric } from '../../src/model/metric.ts'
import type { Bandwidth, ConnectGraph, PeerInfo, RepoGc, RepoTotals } from '../../src/model/peer.ts'
import type { GlobalPinInfo, PinInfoShort } from '../../src/model/pin-info.ts'
import type { Pin, PinOptions } from '../../src/model/pin.ts'
import { pinWithOptions } from '../../src/model/pin.ts'
import { pinText } from '../../src/model/pin-json.ts'
import type { StatusFilter } from '../../src/model/status.ts'
import { statusMatches } from '../../src/model/status.ts'
import { statusLines } from '../../src/model/status-printer.ts'
import { zeroTime } from '../../src/model/time.ts'

export const fakePeer: PeerId = '12D3KooWAa9jSCJA1yb5AkFT2ai8LfysdeTd52Y1o52poDvLhqaE'
export const otherPeer: PeerId = '12D3KooWBK2Qt9FhzGm7YYJVhK63ySaHRCFfcCybfDXVbEZWtgwv'
const ipfsPeer: PeerId = '12D3KooWEN5j9XP1guaaWANjFMvnDBg3UVR2LJ2LFsFQNN1drLAA'
const startOfTime = Date.UTC(2026, 10, 21, 0, 10, 42)

function refuse (message: string): never { throw new ClusterError('PIN_REFUSED', {}, { message }) }

export interface FakeClusterInit {
  version?: string
  followerMode?: boolean
  /** Peers that a pin can be allocated to, this one included. */
  peers?: PeerId[]
}

/**
 * A cluster of one process without network or disk: the pinset is a map, every pin is pinned at once, blocks of `add` are only hashed (one
 * raw block per file). It refuses what Go refuses, with Go's texts, so that answers which depend on the API alone can be compared with
 * recordings. Any method can be replaced.
 */
export class FakeCluster implements ClusterApi {
  readonly peer = fakePeer
  readonly version: string
  /** By CID text, in the order of pinning. */
  readonly pins = new Map<string, Pin>()
  /** Names of the calls that may change something. */
  readonly changes: string[] = []
  metricValues: Metric[] = []
  alertValues: Alert[] = []
  problems: HealthProblem[] = []
  readonly #followerMode: boolean
  readonly #drains = new Map<PeerId, DrainStatus>()
  #rebalance: RebalanceStatus | undefined
  readonly #peers: PeerId[]
  #now = startOfTime

  constructor ({ version = '1.1.6', followerMode = false, peers = [fakePeer] }: FakeClusterInit = {}) {
    this.version = version
    this.#followerMode = followerMode
    this.#peers = peers
  }

  /** Puts pins straight into the pinset. */
  hold (...pins: Pin[]): void {
    for (const pin of pins) this.pins.set(pin.cid.toString(), pin)
  }

  async health (): Promise<Health> { return { problems: this.problems, pins: this.pins.size, heads: 1, height: this.pins.size } }

  auditRuns: AuditRun[] = []
  auditRows: AuditResult[] = []
  audit ({ peer = this.peer, repair }: AuditOrder): AuditRun {
    const run: AuditRun = {
      id: this.auditRuns.length + 1, peer, state: 'running', repair, isByItself: false, since: startOfTime, endedAt: null, pins: 0,
      skipped: 0, blocks: 0, bytes: 0, bad: 0, failed: 0, badBlocks: 0, repairedBlocks: 0, error: ''
    }
    this.auditRuns.unshift(run)
    return run
  }

  audits (): AuditRun[] { return this.auditRuns }
  cancelAudit (): AuditRun {
    const run = this.auditRuns.find(({ state }) => state === 'running')
    if (run == null) throw new ClusterError('NOT_FOUND', {}, { message: 'no audit is under way' })
    return Object.assign(run, { state: 'cancelled' as const })
  }

  async * auditResults ({ isBad = false }: { isBad?: boolean } = {}): AsyncIterable<AuditResult[]> {
    yield this.auditRows.filter(({ state }) => !isBad || state !== 'good')
  }

  sync (): ClusterSync { return { own: { pins: this.pins.size, digest: '00'.repeat(32), heads: [], isComplete: true }, peers: [] } }

  async pinsetDiff (peers: { one: PeerId, other: PeerId }): Promise<PinsetDiff> { return {
    ...peers, pins: [], isCut: false, isSameHeads: true, repair: null
  } }

  async info (): Promise<PeerInfo> { return this.#info(this.peer) }

  async * peers (): AsyncIterable<PeerInfo> {
    for (const peer of this.#peers) yield this.#info(peer)
  }

  async addPeer (peer: PeerId): Promise<PeerInfo> {
    if (!this.#peers.includes(peer)) throw new ClusterError('PEER_UNREACHABLE', { peer }, { message: 'routing: not found' })
    return this.#info(peer)
  }

  async removePeer (peer: PeerId): Promise<void> {
    this.changes.push('removePeer')
    if (peer === this.peer) throw new ClusterError('INVALID_ARGUMENT', { peer }, { message: 'a peer cannot remove itself' })
    if (!this.#peers.includes(peer)) throw new ClusterError('NOT_FOUND', { peer }, { message: 'there is no such peer' })
  }

  async drainPeer (peer: PeerId, order: DrainOrder): Promise<DrainStatus> {
    this.#write('drainPeer')
    checkLimits(order)
    if (!this.#peers.includes(peer)) throw new ClusterError('NOT_FOUND', { peer }, { message: 'there is no such peer' })
    const drain: DrainStatus = {
      peer, peerName: 'peer0', state: 'draining', reason: '', since: startOfTime, endedAt: null, pins: this.pins.size, left: this.pins.size,
      moved: 0, fewer: 0, inTransit: 0, stuck: 0, everywhere: 0,
      bytes: 0, leftMs: null, atOnce: 32, maxPinsPerSecond: 0, maxBytesPerSecond: 0, ...order
    }
    this.#drains.set(peer, drain)
    return drain
  }

  drainOf (peer: PeerId): DrainStatus {
    const drain = this.#drains.get(peer)
    if (drain == null) throw new ClusterError('NOT_FOUND', { peer }, { message: 'the peer is not being drained' })
    return drain
  }

  drains (): DrainStatus[] { return [...this.#drains.values()] }

  async cancelDrain (peer: PeerId): Promise<DrainStatus> {
    this.#write('cancelDrain')
    const drain = this.drainOf(peer)
    this.#drains.delete(peer)
    return drain
  }

  async planRebalance (order: RebalanceOrder): Promise<RebalancePlan> {
    if (order.by?.includes('unknown') === true) throw new ClusterError('INVALID_ARGUMENT', {}, { message: 'no peer has the tag unknown' })
    return {
      peers: [{ peer: this.peer, peerName: 'peer0', capacity: 10e9, pins: 2, goal: 1, after: 1 }], pins: 2, count: 1,
      moves: Array.from(this.pins.values(), ({ cid }) => ({ cid, from: this.peer, to: this.peer, why: 'load' as const }))
    }
  }

  async rebalance (order: RebalanceOrder): Promise<RebalanceStatus> {
    this.#write('rebalance')
    if (this.#rebalance?.state === 'moving') throw new ClusterError('CONFLICT', {}, { message: 'a rebalance is under way already' })
    const { peers } = await this.planRebalance(order)
    const { atOnce = 32, maxPinsPerSecond = 0, maxBytesPerSecond = 0 } = order
    this.#rebalance = {
      state: 'moving', reason: '', since: startOfTime, endedAt: null, planned: 1, moved: 0, failed: 0, inTransit: 1, peers, atOnce,
      maxPinsPerSecond, maxBytesPerSecond
    }
    return this.#rebalance
  }

  rebalanceStatus (): RebalanceStatus {
    if (this.#rebalance == null) throw new ClusterError('NOT_FOUND', {}, { message: 'there is no rebalance' })
    return this.#rebalance
  }

  async cancelRebalance (): Promise<RebalanceStatus> {
    this.#write('cancelRebalance')
    this.#rebalance = { ...this.rebalanceStatus(), state: 'cancelled', endedAt: startOfTime }
    return this.#rebalance
  }

  async pin (cid: CID, options: PinOptions, _call?: CallOptions): Promise<Pin> {
    this.#write('pin')
    const pin = options.pinUpdate == null || options.pinUpdate.equals(cid)
      ? this.#newPin(cid, options)
      : this.#updated(cid, options, options.pinUpdate)
    this.hold(pin)
    return pin
  }

  async pinPath (path: string, options: PinOptions): Promise<Pin> { return this.pin(this.#resolve(path), options) }

  async unpin (cid: CID): Promise<Pin> {
    this.#write('unpin')
    const pin = this.allocation(cid)
    this.pins.delete(cid.toString())
    return pin
  }

  async unpinPath (path: string): Promise<Pin> { return this.unpin(this.#resolve(path)) }

  allocation (cid: CID): Pin {
    const pin = this.pins.get(cid.toString())
    if (pin == null) throw new ClusterError('NOT_PINNED', { cid: cid.toString() })
    return pin
  }

  async * allocations (): AsyncIterable<Pin[]> {
    if (this.pins.size > 0) yield [...this.pins.values()]
  }

  async * allocationLines (): AsyncIterable<Uint8Array> {
    if (this.pins.size > 0) yield Buffer.from([...this.pins.values()].map(pin => `${pinText(pin)}\n`).join(''))
  }

  async status (cid: CID, { local }: ScopeOptions = {}): Promise<GlobalPinInfo> {
    const pin = this.pins.get(cid.toString())
    return pin == null ? this.#unpinned(cid, local === true) : this.#pinned(pin, local === true)
  }

  async * statusAll (filter: StatusFilter, { local }: StatusOptions = {}): AsyncIterable<GlobalPinInfo[]> {
    const infos = [...this.pins.values()].map(pin => this.#pinned(pin, local === true)).filter(() => statusMatches('pinned', filter))
    if (infos.length > 0) yield infos
  }

  statusLines (filter: StatusFilter, options: StatusOptions = {}): AsyncIterable<string> {
    return statusLines(this.statusAll(filter, options))
  }

  async recover (cid: CID, scope: ScopeOptions = {}): Promise<GlobalPinInfo> {
    if (scope.local === true) this.allocation(cid)
    return this.status(cid, scope)
  }

  async * recoverAll (): AsyncIterable<GlobalPinInfo[]> { /* nothing ever fails here */ }

  async progress (cid: CID): Promise<PeerPinProgress[]> {
    const ipfs = !this.pins.has(cid.toString()) ? null : {
      phase: 'fetching' as const,
      blocks: 3,
      bytes: 700,
      fetchedBlocks: 2,
      fetchedBytes: 600,
      wantedBlock: cid,
      wantedSince: this.#now,
      peersAsked: [ipfsPeer],
      nextTryAt: this.#now + 30_000,
      startedAt: this.#now - 1000
    }
    return [{ peer: this.peer, peerName: 'peer0', operation: null, ipfs, error: '' }]
  }

  async * add (entries: AsyncIterable<UploadEntry>, params: AddParams, _options?: CallOptions): AsyncIterable<AddedOutput> {
    this.#write('add')
    if (params.chunker === 'bogus') throw new ClusterError('INVALID_ARGUMENT', {}, { message: 'unrecognized chunker option: bogus' })
    for await (const entry of entries) {
      const hash = createHash('sha256')
      let bytes = 0
      if (entry.kind === 'file') {
        for await (const piece of entry.content) {
          hash.update(piece)
          bytes += piece.length
        }
      } else hash.update(entry.path)
      const cid = CID.createV1(0x55, createDigest(0x12, hash.digest()))
      yield { name: entry.path, cid, bytes: 0, size: bytes, allocations: this.#peers }
      if (!params.noPin) this.hold({ ...this.#newPin(cid, params.pin), name: params.pin.name })
    }
  }

  async repoGc (): Promise<Map<PeerId, RepoGc>> {
    this.changes.push('repoGc')
    const keys = [
      { key: parseCid('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'), error: '' }, { key: null, error: 'could not remove' }
    ]
    return new Map(this.#peers.map(peer => [peer, { peer, peerName: 'peer0', keys, error: '' }]))
  }

  async repoStat (): Promise<RepoTotals> { return { repoSize: 2960007 * this.#peers.length, storageMax: 10e9 * this.#peers.length } }

  async connectGraph (): Promise<ConnectGraph> {
    return {
      clusterId: this.peer, idToPeerName: { [this.peer]: 'peer0' }, ipfsLinks: {}, clusterLinks: { [this.peer]: [] },
      clusterTrustLinks: { [this.peer]: true }, clusterToIpfs: { [this.peer]: ipfsPeer }
    }
  }

  bandwidth (): Map<string, Bandwidth> {
    return new Map(
      [['/b', { totalIn: 1, totalOut: 2, rateIn: 0.5, rateOut: 0 }], ['', { totalIn: 427, totalOut: 427, rateIn: 0, rateOut: 0 }]]
    )
  }

  alerts (): Alert[] { return this.alertValues }
  async pinsHealth (): Promise<PinsHealth> {
    const peers = this.#peers.map(peer => ({
      peer, peerName: 'peer0', isMissing: false, lastSeen: startOfTime, pins: 0, alone: 0, statuses: {}
    }))
    return { at: startOfTime, pins: this.pins.size, everywhere: this.pins.size, underReplicated: 0, unreachable: 0, peers }
  }

  async movePin (cid: CID, { from, to }: MoveOrder): Promise<Pin> {
    this.#write('movePin')
    const pin = this.allocation(cid)
    const moved = { ...pin, allocations: [...pin.allocations.filter(peer => peer !== from), ...to] }
    this.hold(moved)
    return moved
  }

  metricHistory (): MetricHistory { return {
    everyMs: 30_000, at: [startOfTime], series: [{ name: 'pins', peer: this.peer, values: [this.pins.size] }]
  } }
  metricNames (): string[] { return [...new Set(this.metricValues.map(metric => metric.name))] }
  metrics (name: string): Metric[] { return this.metricValues.filter(metric => metric.name === name) }

  #write (change: string): void {
    if (this.#followerMode) throw new ClusterError('FOLLOWER_MODE')
    this.changes.push(change)
  }

  #newPin (cid: CID, options: PinOptions): Pin {
    const [min, max] = [options.replicationFactorMin || -1, options.replicationFactorMax || -1]
    this.#checkFactors(min, max)
    return {
      ...pinWithOptions(cid, options), replicationFactorMin: min, replicationFactorMax: max,
      allocations: min === -1 ? [] : this.#peers.slice(0, max), timestamp: this.#now++
    }
  }

  #updated (cid: CID, options: PinOptions, from: CID): Pin {
    return { ...this.allocation(from), cid, name: options.name || this.allocation(from).name, pinUpdate: from, timestamp: this.#now++ }
  }

  #checkFactors (min: number, max: number): void {
    if (min < -1) refuse('cluster.replication_factor_min is wrong')
    if (max < -1) refuse('cluster.replication_factor_max is wrong')
    if ((min === -1) !== (max === -1)) refuse('cluster.replication_factor_min and max must be -1 when one of them is')
    if (min > max) refuse('cluster.replication_factor_min is larger than max')
    const available = this.#peers.length
    if (min > available) {
      throw new ClusterError('NOT_ENOUGH_PEERS', {}, {
        message: `not enough peers to allocate CID. Needed at least: ${min}. Wanted at most: ${max}. Available candidates: ${available}. See logs for more info.`
      })
    }
  }

  #resolve (path: string): CID {
    const [, , root = ''] = path.split('/')
    try {
      return parseCid(root)
    } catch (err) {
      throw new ClusterError('INVALID_ARGUMENT', { path }, {
        message: `error parsing path: invalid path ${JSON.stringify(path)}: ${(err as Error).message}`
      })
    }
  }

  #short (status: 'pinned' | 'unpinned', timestamp: number): PinInfoShort {
    return {
      peerName: 'peer0', ipfsPeerId: ipfsPeer, ipfsPeerAddresses: [], status, timestamp, error: '', attemptCount: 0, priorityPin: false
    }
  }

  #pinned (pin: Pin, local: boolean): GlobalPinInfo {
    const peers = local ? [this.peer] : this.#peers
    const { cid, name, allocations, origins, metadata, timestamp } = pin
    return {
      cid, name, allocations, origins, created: timestamp, metadata,
      peerMap: new Map(peers.map(peer => [peer, this.#short('pinned', timestamp)]))
    }
  }

  #unpinned (cid: CID, local: boolean): GlobalPinInfo {
    const peers = local ? [this.peer] : this.#peers
    return {
      cid,
      name: '',
      allocations: local ? null : [],
      origins: null,
      created: local ? zeroTime : this.#now,
      metadata: null,
      peerMap: new Map(peers.map(peer => [peer, this.#short('unpinned', this.#now)]))
    }
  }

  #info (peer: PeerId): PeerInfo {
    return {
      id: peer,
      addresses: [`/ip4/127.0.0.1/tcp/21400/p2p/${peer}`],
      clusterPeers: this.#peers,
      clusterPeersAddresses: [],
      version: this.version,
      commit: '',
      rpcProtocolVersion: '/ipfscluster/1.0/rpc',
      error: '',
      ipfs: { id: ipfsPeer, addresses: [], error: '' },
      peerName: 'peer0'
    }
  }
}
