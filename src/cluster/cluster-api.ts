import type { CID } from 'multiformats/cid'
import type { PinProgress } from '../ipfs/ipfs.ts'
import type { AddedOutput, AddParams, UploadEntry } from '../model/add.ts'
import type { PeerId } from '../model/cid.ts'
import type { Alert, Metric } from '../model/metric.ts'
import type { Bandwidth, ConnectGraph, PeerInfo, RepoGc, RepoTotals } from '../model/peer.ts'
import type { GlobalPinInfo } from '../model/pin-info.ts'
import type { Pin, PinOptions } from '../model/pin.ts'
import type { StatusFilter, TrackerStatus } from '../model/status.ts'
import type { Time } from '../model/time.ts'
import type { OperationProgress } from '../tracker/tracker.ts'

export interface CallOptions { signal?: AbortSignal }
export interface ScopeOptions extends CallOptions {
  /** Only this peer. */
  local?: boolean
}
export interface PeersOptions extends CallOptions {
  /** Also peers that were heard since this one began and are gone, or that hold pins: each with its `error`. Go's peers leave them out. */
  missing?: boolean
}
export interface StatusOptions extends ScopeOptions {
  /**
   * Also a row in `cluster_error` for each allocated peer that isn't a member any more, as `status` of one pin has it. Go's lists leave
   * them out.
   */
  missing?: boolean
}

/** One peer's view of one pin: "why is it stuck". */
export interface PeerPinProgress {
  peer: PeerId, peerName: string, operation: OperationProgress | null, ipfs: PinProgress | null, error: string
}

/**
 * What is wrong with a peer. `starting`: its APIs are there already, its place in the cluster's network isn't; `behind`: it knows that it
 * hasn't merged all of the pinset yet; `dirty`: a branch of the pinset is to be looked through again; `damaged`: its disk lost some of the
 * pinset, and that everything is back hasn't been seen yet; `read_only`: no pin can be written: the disk is full, or takes nothing;
 * `ipfs_unavailable`: its IPFS node doesn't answer; `gossip_silent`: it is connected to members and hears none of them; `peers_silent`: it
 * hears some of them, but not all; `isolated`: it knows other peers, and none of them is a member here; `pins_set_aside`: it ended before
 * while it pinned something, and lets that wait; `pins_damaged`: an audit found pins of it incomplete, and they haven't been whole since;
 * `denylist_broken`: a denylist can't be used as it is now, its last good rules are in force; `out_of_sync`: the pinset of a trusted peer
 * has been another one for longer than the state sync interval, and nothing is missing on either side.
 */
export type HealthProblem = 'starting' | 'behind' | 'dirty' | 'damaged' | 'read_only' | 'ipfs_unavailable' | 'gossip_silent'
  | 'peers_silent' | 'isolated' | 'pins_set_aside' | 'pins_damaged' | 'denylist_broken' | 'out_of_sync'

/** How a peer is. No problems: fine. */
export interface Health { problems: HealthProblem[], pins: number, heads: number, height: number }

/**
 * How a peer's pinset is to this one's. `in_sync`: the same, now or within the last interval; `ahead`: it names heads that aren't here;
 * `behind`: it says that it misses some, or hasn't had this peer's heads for longer than the interval; `differs`: nothing is missing on
 * either side, and yet they aren't the same; `out_of_sync`: so for longer than the interval; `unknown`: nothing can be said yet.
 */
export type SyncState = 'in_sync' | 'ahead' | 'behind' | 'differs' | 'out_of_sync' | 'unknown'

/** How the pinset of another peer is to this one's. */
export interface PeerSync {
  peer: PeerId
  peerName: string
  /** Whether its changes are accepted here: if not, a difference is no problem of this peer. */
  isTrusted: boolean
  state: SyncState
  /** When it became so, Unix milliseconds. Null: nothing is known of it. */
  since: Time | null
  /** What tells: the digest of its pinset or, for Go's peers, the heads alone. */
  by: 'digest' | 'heads' | null
  pins: number | null
  digest: string | null
  heads: string[]
}

/** This peer's pinset, and how the others' are to it. `own` null while it is being counted. */
export interface ClusterSync { own: { pins: number, digest: string, heads: string[], isComplete: boolean } | null, peers: PeerSync[] }

/** A pin in which two peers differ: what each has, as digest; null: nothing. */
export interface PinDifference { cid: CID, one: string | null, other: string | null }

export interface PinsetDiffOptions extends CallOptions {
  /** Lets both merge again. */
  repair?: boolean
}

/**
 * `pins`: those that differed at two looks two seconds apart; with a repair, those that still do after it. `isSameHeads`: both had the same
 * heads then: what differs isn't under way.
 */
export interface PinsetDiff {
  one: PeerId
  other: PeerId
  pins: PinDifference[]
  /** More differ than are named. */
  isCut: boolean
  isSameHeads: boolean
  /** What the repair did on each; null without one. */
  repair: Array<{ peer: PeerId, lostBlocks: number, repaired: number }> | null
}

/** What is to be audited. Without `cids` and `sharePercent`: everything that the peer holds. */
export interface AuditOrder {
  /** Default: this peer, whose blocks are all read. Another one's IPFS node is asked for random blocks. */
  peer?: PeerId
  cids?: readonly CID[]
  /** So many pins of a hundred. */
  sharePercent?: number
  /** Fetch again what is missing or damaged. */
  repair: boolean
  /** Leaves out what was audited since, Unix milliseconds. */
  notSince?: Time
}

/**
 * An audit under way, or one of the last. `bad`: pins that weren't whole, repaired ones included; `failed`: those of them that couldn't be
 * looked at; `skipped`: pins that aren't here yet.
 */
export interface AuditRun {
  id: number
  peer: PeerId
  state: 'running' | 'done' | 'cancelled' | 'failed'
  repair: boolean
  isByItself: boolean
  since: Time
  endedAt: Time | null
  pins: number
  skipped: number
  blocks: number
  bytes: number
  bad: number
  failed: number
  badBlocks: number
  repairedBlocks: number
  error: string
}

/** What the latest audit of a pin on a peer found. `badBlocks`: the first hundred. */
export interface AuditResult {
  peer: PeerId
  cid: CID
  at: Time
  state: 'good' | 'bad' | 'repaired' | 'failed'
  blocks: number
  bytes: number
  badBlocks: string[]
  badCount: number
  repaired: number
  error: string
}

/** What the pinset has of one peer. */
export interface PeerHolding {
  peer: PeerId
  peerName: string
  /** Not a member now. */
  isMissing: boolean
  /** When it was heard last, Unix milliseconds. Null: never since this peer began. */
  lastSeen: Time | null
  /** Pins that are allocated to it. Those that go everywhere aren't counted. */
  pins: number
  /** Those of them that no other peer that is there is allocated: of a missing one, they are out of reach. */
  alone: number
}

/** Whether the peers are there that the pinset allocates pins to. */
export interface Replication {
  at: Time
  pins: number
  /** Pins that every peer shall have. */
  everywhere: number
  /** Pins of which at least one holder is missing, or that have fewer holders than they need. */
  underReplicated: number
  /** Pins all of whose holders are missing. */
  unreachable: number
  /** Members, missing peers that were heard since this one began, and whoever the pinset names. Sorted by peer; a thousand at most. */
  peers: PeerHolding[]
}

/** One peer, with how many of its pins are in each status that isn't done. */
export interface PeerPins extends PeerHolding { statuses: Partial<Record<TrackerStatus, number>> }

/** How the pinset is, in figures. `underReplicated` has pins that some peer hasn't got yet, or failed to get, too. */
export interface PinsHealth extends Omit<Replication, 'peers'> { peers: PeerPins[] }

/** From one peer to others. `to` empty: the allocator chooses. */
export interface MoveOrder { from: PeerId, to: readonly PeerId[] }

/** How fast pins may be moved. 0: as fast as it goes. */
export interface PaceLimits {
  maxPinsPerSecond: number
  maxBytesPerSecond: number
  /** Moves under way. */
  atOnce: number
}

/**
 * `draining`: pins move; `waiting`: those that are left can't move now, see `reason`; `drained`: the peer holds nothing that only it has.
 */
export type DrainState = 'draining' | 'waiting' | 'drained'

/** How far a drain is. Figures are those of the asked peer, which is the one that drains. */
export interface DrainStatus extends PaceLimits {
  peer: PeerId
  peerName: string
  state: DrainState
  /** Why it, or one of its pins, waits; ''. */
  reason: string
  since: Time
  /** When it was drained. */
  endedAt: Time | null
  /** Pins that were allocated to the peer when it began, and that are now. */
  pins: number
  left: number
  moved: number
  /** Moved pins that have a copy less than before: nobody could take it. */
  fewer: number
  inTransit: number
  stuck: number
  /** Pins that go everywhere: they don't move. */
  everywhere: number
  /** By which the repositories of those that took pins have grown since this process began. */
  bytes: number
  /** Milliseconds; null when it can't be told. */
  leftMs: number | null
}

/** Limits that weren't given stay as they are, or are the default ones. */
export type DrainOrder = Partial<PaceLimits>

/** How pins are to be spread, and how fast they may move. */
export interface RebalanceOrder extends Partial<PaceLimits> {
  /** Names of tags: pins are spread over their values. Default: those that the allocator goes by. */
  by?: readonly string[] | undefined
  /** All peers have the same share, whatever they may hold. */
  equal?: boolean | undefined
}

/**
 * One peer's part in a rebalance. `capacity`: what its share goes by. `pins`: copies that could move, now; `goal`, its share of all;
 * `after`, when all has moved.
 */
export interface BalanceShare { peer: PeerId, peerName: string, capacity: number, pins: number, goal: number, after: number }

/**
 * What a rebalance would do. `pins`: those that could move; `count`: moves; `moves`: the first hundred of them, and why: too much on the
 * peer, or a group without the pin.
 */
export interface RebalancePlan {
  peers: BalanceShare[], pins: number, count: number, moves: Array<{ cid: CID, from: PeerId, to: PeerId, why: 'load' | 'group' }>
}

/** How far a rebalance is. Of one that went on after a restart, since then. */
export interface RebalanceStatus extends PaceLimits {
  state: 'planning' | 'moving' | 'done' | 'cancelled'
  /** Why a pin waits, or why one could not be moved; ''. */
  reason: string
  since: Time
  endedAt: Time | null
  planned: number
  moved: number
  /** Pins that couldn't be moved, and stay. */
  failed: number
  inTransit: number
  peers: BalanceShare[]
}

/** The values of one metric of one peer, as old as the times beside it. Null: there was no valid one. `ping` is 1 while it holds. */
export interface HistorySeries { name: string, peer: PeerId, values: Array<number | null> }

/** What metrics were lately. `at` in Unix milliseconds, oldest first; every series has as many values. */
export interface MetricHistory { everyMs: number, at: Time[], series: HistorySeries[] }

/**
 * Everything that the APIs (REST, pinning service, proxy, RPC) can ask of a peer. Errors are ClusterErrors whose message is the text that
 * Go answers (api/common). Streams give batches, never the whole pinset at once; a stream that fails throws after what it could give.
 */
export interface ClusterApi {
  readonly peer: PeerId
  /** The version on the wire, "1.1.6+helia.0.1.0". */
  readonly version: string

  /** This peer, and its IPFS node as far as that answers. */
  info (options?: CallOptions): Promise<PeerInfo>
  /** This peer alone. Never rejects. */
  health (): Promise<Health>
  /** The members, this peer included. One that doesn't answer stands there with its error. */
  peers (options?: PeersOptions): AsyncIterable<PeerInfo>
  /** Reaches a peer and counts it as a member until its own metrics come. */
  addPeer (peer: PeerId, options?: CallOptions): Promise<PeerInfo>
  /** Moves its pins to others; see PeerRemoval. */
  removePeer (peer: PeerId, options?: CallOptions): Promise<void>
  /** Moves everything away from a peer, or changes how fast; see Drains. */
  drainPeer (peer: PeerId, order: DrainOrder, options?: CallOptions): Promise<DrainStatus>
  /** Throws NOT_FOUND, or CONFLICT when another peer drains it. */
  drainOf (peer: PeerId): DrainStatus
  /** Those that this peer does, and those it heard of. */
  drains (): DrainStatus[]
  /** What has moved stays where it is. Rejects as `drainOf` throws. */
  cancelDrain (peer: PeerId): Promise<DrainStatus>
  /** What a rebalance would move; see Rebalances. */
  planRebalance (order: RebalanceOrder, options?: CallOptions): Promise<RebalancePlan>
  /** Begins one, or changes how fast the one under way is. */
  rebalance (order: RebalanceOrder, options?: CallOptions): Promise<RebalanceStatus>
  /** Throws NOT_FOUND. */
  rebalanceStatus (): RebalanceStatus
  /** Begins no more moves. Rejects with NOT_FOUND. */
  cancelRebalance (): Promise<RebalanceStatus>

  /** Allocates and commits; the answer is the pin as committed, options as given. */
  pin (cid: CID, options: PinOptions, call?: CallOptions): Promise<Pin>
  /** `/ipfs/…`, `/ipns/…` or `/ipld/…`; resolves first. */
  pinPath (path: string, options: PinOptions, call?: CallOptions): Promise<Pin>
  /** NOT_PINNED when it isn't there. */
  unpin (cid: CID, call?: CallOptions): Promise<Pin>
  /** The same for a path, which is resolved first. */
  unpinPath (path: string, call?: CallOptions): Promise<Pin>

  /** NOT_PINNED when it isn't there. */
  allocation (cid: CID): Pin
  /** The pinset of this peer. */
  allocations (options?: CallOptions): AsyncIterable<Pin[]>
  /** The same as JSON lines, see PinState.jsonLines. */
  allocationLines (options?: CallOptions): AsyncIterable<Uint8Array>

  /** A pin on every peer it is allocated to; `unpinned` everywhere for what isn't in the pinset. */
  status (cid: CID, options?: ScopeOptions): Promise<GlobalPinInfo>
  /** The same for all pins with one of these statuses somewhere. */
  statusAll (filter: StatusFilter, options?: StatusOptions): AsyncIterable<GlobalPinInfo[]>
  /** The same as JSON lines, exactly as `StatusPrinter` prints them; pieces end with a newline. */
  statusLines (filter: StatusFilter, options?: StatusOptions): AsyncIterable<string | Uint8Array>
  /** Has failed or missing operations of a pin tried again; the status afterwards. */
  recover (cid: CID, options?: ScopeOptions): Promise<GlobalPinInfo>
  /** The same for all pins; gives those that were tried again. */
  recoverAll (options?: ScopeOptions): AsyncIterable<GlobalPinInfo[]>
  /** How far each peer that fetches a pin is, and what it waits for. */
  progress (cid: CID, options?: CallOptions): Promise<PeerPinProgress[]>

  /** Figures of the whole pinset, by peer: what missing peers cost, and what all peers still have to do. */
  pinsHealth (options?: CallOptions): Promise<PinsHealth>
  /** Gives a pin another peer in the place of one that has it; see Moves. The answer is the pin as committed. */
  movePin (cid: CID, order: MoveOrder, options?: CallOptions): Promise<Pin>

  /** Begins to look whether what a peer holds is really there; see Audits. */
  audit (order: AuditOrder): AuditRun
  /** Newest first; of this process. */
  audits (): AuditRun[]
  /** Ends the one under way; NOT_FOUND without any. */
  cancelAudit (): AuditRun
  /** The latest result of each pin, by peer. */
  auditResults (options?: CallOptions & { isBad?: boolean }): AsyncIterable<AuditResult[]>
  /** Whether the pinsets of the other peers are the same as this one's. */
  sync (): ClusterSync
  /** The pins in which two peers differ, a thousand at most. Rejects with UNSUPPORTED when one of them is a Go peer. */
  pinsetDiff (peers: { one: PeerId, other: PeerId }, options?: PinsetDiffOptions): Promise<PinsetDiff>

  /** Reads the entries, makes blocks, stores them on the allocated peers, pins. Yields lines as they are known. */
  add (entries: AsyncIterable<UploadEntry>, params: AddParams, options?: CallOptions): AsyncIterable<AddedOutput>

  /** Collects garbage on every peer, by peer; a peer that failed has its error there. */
  repoGc (options?: ScopeOptions): Promise<Map<PeerId, RepoGc>>
  /** The sum over the peers that answer; rejects when none does. */
  repoStat (options?: CallOptions): Promise<RepoTotals>
  /** Who is connected to whom, in the cluster and between the IPFS nodes. */
  connectGraph (options?: CallOptions): Promise<ConnectGraph>
  /** Of the cluster's host since its start, by libp2p protocol; bytes, and bytes a second. */
  bandwidth (): Map<string, Bandwidth>
  /** Newest first. */
  alerts (): Alert[]
  /** Of which this peer has had a metric. */
  metricNames (): string[]
  /** The latest valid metric of each peer. */
  metrics (name: string): Metric[]
  /** What metrics of all peers that are numbers were in the last hour, as far as this peer has seen them. */
  metricHistory (): MetricHistory
}
