/**
 * What the REST API sends, as it sends it (docs: `GET /openapi.json` of a peer). CIDs, peer IDs, multiaddresses and times are texts, so
 * nothing is lost on the way: times keep their nanoseconds, and no multiformats library is needed. Only nanosecond counts are bigints.
 */

/** RFC 3339, up to nine digits after the second. "0001-01-01T00:00:00Z": never, or not known. */
export type TimeText = string

/** Go's zero time: never, or not known. */
export const neverText: TimeText = '0001-01-01T00:00:00Z'

/** Anything that prints as a CID: a text or a CID object of any version of multiformats. */
export type CidLike = string | { toString (): string }

/** What a peer says of its IPFS node. `error` not empty: the node couldn't be asked. */
export interface IpfsId { id?: string, addresses: string[] | null, error: string }

/** A peer. A dead one has only `id` and `error`. */
export interface Id {
  id: string
  addresses: string[] | null
  cluster_peers: string[] | null
  cluster_peers_addresses: string[] | null
  version: string
  commit: string
  rpc_protocol_version: string
  error: string
  ipfs: IpfsId
  peername: string
}

/** `direct`: the root block alone. */
export type PinMode = 'recursive' | 'direct'
/** Go's names. Users make `pin`s; the rest are parts of sharded DAGs. */
export type PinType = 'bad-type' | 'pin' | 'meta-pin' | 'clusterdag-pin' | 'shard-pin'

/** An item of the pinset. */
export interface Pin {
  replication_factor_min: number
  replication_factor_max: number
  name: string
  mode: PinMode
  shard_size: number
  user_allocations: string[] | null
  expire_at: TimeText
  metadata: Record<string, string> | null
  pin_update: string | null
  origins: string[] | null
  cid: string
  type: PinType
  /** Empty when both factors are -1: every peer. */
  allocations: string[] | null
  /** -1: the whole DAG; 0: the root only. */
  max_depth: number
  reference: string | null
  timestamp: TimeText
}

/** Where a pin stands on one peer, in Go's words. `remote`: other peers have it. */
export type TrackerStatus =
  'undefined' | 'cluster_error' | 'pin_error' | 'unpin_error' | 'pinned' | 'pinning' | 'unpinning' | 'unpinned' | 'remote' | 'pin_queued' |
  'unpin_queued' | 'sharded' | 'unexpectedly_unpinned'

/** What one peer says of a pin. */
export interface PinInfo {
  peername: string
  ipfs_peer_id?: string
  ipfs_peer_addresses?: string[]
  status: TrackerStatus
  timestamp: TimeText
  error: string
  attempt_count: number
  priority_pin: boolean
}

/** What several peers say of a pin; keys are peer IDs. */
export interface GlobalPinInfo {
  cid: string
  name: string
  allocations: string[] | null
  origins: string[] | null
  created: TimeText
  metadata: Record<string, string> | null
  peer_map: Record<string, PinInfo>
}

/** One line of an upload's answer. */
export interface Added {
  name: string
  /** null in progress lines. */
  cid: string | null
  bytes?: number
  size?: number
  allocations?: string[]
}

/** The peer's version, such as `1.1.6`. */
export interface Version { version: string }

/** A measured value of one peer. `expire` and `received_at` are Unix nanoseconds. */
export interface Metric {
  name: string
  peer: string
  value: string
  expire: bigint
  valid: boolean
  weight: bigint
  partitionable: boolean
  received_at: bigint
}

/** `problems`: `starting`, `behind`, `dirty`, `damaged`, `ipfs_unavailable`, …; some don't keep a peer from being ready. */
export interface Readiness { ready: boolean, problems: string[], pins: number, heads: number, height: number }

/** An audit. `bad`: pins that weren't whole, repaired ones included; `failed`: of those, not looked at; `skipped`: pins that aren't there yet. */
export interface Audit {
  id: number
  peer: string
  state: 'running' | 'done' | 'cancelled' | 'failed'
  repair: boolean
  by_itself: boolean
  since: TimeText
  ended_at: TimeText | null
  pins: number
  skipped: number
  blocks: number
  bytes: number
  bad: number
  /** Peers of older builds don't say it. */
  failed?: number
  bad_blocks: number
  repaired_blocks: number
  error: string
}

/** What the latest audit of a pin on a peer found. `bad_blocks`: the first hundred CIDs. */
export interface AuditResult {
  peer: string
  cid: string
  at: TimeText
  state: 'good' | 'bad' | 'repaired' | 'failed'
  blocks: number
  bytes: number
  bad_blocks: string[]
  bad_count: number
  repaired: number
  error: string
}

/** How another peer's pinset is to that of the peer that is asked. `by`: its digest tells or, for Go's peers, its heads alone. */
export interface PeerSync {
  peer: string
  peername: string
  /** Whether its changes are accepted by the peer that is asked. */
  trusted: boolean
  state: 'in_sync' | 'ahead' | 'behind' | 'differs' | 'out_of_sync' | 'unknown'
  since: TimeText | null
  by: 'digest' | 'heads' | null
  pins: number | null
  digest: string | null
  heads: string[]
}

/** `own` is null while the pinset is being counted. */
export interface ClusterSync { own: { pins: number, digest: string, heads: string[], complete: boolean } | null, peers: PeerSync[] }

/**
 * The pins in which two peers differ: what each has, as digest, null: nothing. `more`: there are more. `same_heads`: nothing is under way
 * between them.
 */
export interface PinsetDiff {
  one: string
  other: string
  same_heads: boolean
  more: boolean
  pins: Array<{ cid: string, one: string | null, other: string | null }>
  /** What merging again did on each; null when it wasn't asked for. */
  repair: Array<{ peer: string, lost_blocks: number, mended: number }> | null
}

/**
 * A peer's part of the pinset. `pins`: allocated to it by name; `alone`: those that no other peer that is there has; `statuses`: what isn't
 * done.
 */
export interface PeerPins {
  peer: string
  peername: string
  missing: boolean
  last_seen: TimeText | null
  pins: number
  alone: number
  statuses: Partial<Record<TrackerStatus, number>>
}

/** `under_replicated`: fewer peers have them than shall; `unreachable`: nobody who has them is there. */
export interface PinsHealth {
  at: TimeText, pins: number, everywhere: number, under_replicated: number, unreachable: number, peers: PeerPins[]
}

/** Every series has a value for each time (Unix milliseconds, oldest first); null: none. */
export interface MetricHistory {
  every_ms: number, at: number[], series: Array<{ name: string, peer: string, values: Array<number | null> }>
}

/** A peer's metric that wasn't renewed, and when that was noticed. */
export interface Alert extends Metric { triggered_at: TimeText }

/** Bytes, and bytes per second. */
export interface Bandwidth { total_in: number, total_out: number, rate_in: number, rate_out: number }

/** Who is connected to whom; keys and entries are peer IDs. */
export interface ConnectGraph {
  cluster_id: string
  id_to_peername: Record<string, string> | null
  ipfs_links: Record<string, string[] | null> | null
  cluster_links: Record<string, string[] | null> | null
  cluster_trust_links: Record<string, boolean> | null
  cluster_to_ipfs: Record<string, string> | null
}

/** What a collection on one peer removed. */
export interface RepoGc { peer: string, peername: string, keys: Array<{ key: string | null, error?: string }> | null, error?: string }
/** What a collection removed, by peer ID. */
export interface GlobalRepoGc { peer_map: Record<string, RepoGc> }

/** What a pin that is being fetched is at: the words are explained at `PinPhase` in src/ipfs/ipfs.ts. */
export type PinProgressPhase = 'connecting' | 'fetching' | 'no_peers' | 'no_providers' | 'storing' | 'done'

/** How far a pin is on one peer. Only peers of Helia Cluster know it. */
export interface PinProgress {
  peer: string
  peername: string
  error: string
  /** Why it isn't done, as one sentence for people; '' when nothing is under way. Absent from older peers. */
  reason?: string
  operation: {
    type: string, phase: string, since: TimeText, attempt_count: number, error: string, queue_length: number,
    /** 1: the next one. Null when it doesn't wait; absent of older peers. */
    queue_position?: number | null, queue?: string | null, estimated_start?: TimeText | null, next_try_at: TimeText | null
  } | null
  ipfs: {
    phase: PinProgressPhase
    blocks: number
    bytes: number
    fetched_blocks: number
    fetched_bytes: number
    wanted_block: string | null
    wanted_since: TimeText | null
    peers_asked: string[]
    next_try_at: TimeText | null
    started_at: TimeText
  } | null
}

/** How fast pins move. 0: as fast as it goes. */
export interface MovingLimits {
  at_once: number
  max_pins_per_second: number
  max_bytes_per_second: number
}

/** How far the drain of a peer is. `drained`: it holds nothing that only it has, and may be stopped. */
export interface Drain extends MovingLimits {
  peer: string
  peername: string
  state: 'draining' | 'waiting' | 'drained'
  /** Why it waits; '' otherwise. */
  reason: string
  since: TimeText
  ended_at: TimeText | null
  /** Pins of the peer when it began, and now. */
  pins: number
  left: number
  moved: number
  /** Moved pins with a copy less than they had, which nobody could take. */
  fewer: number
  in_transit: number
  stuck: number
  /** Pins that go everywhere, which don't move. */
  everywhere: number
  /** By which the repositories that took pins have grown. */
  bytes: number
  /** Estimated; null when nothing can be said. */
  left_ms: number | null
}

/** A peer's part in a rebalance: copies that could move, its share of all (by capacity), and what it has in the end. */
export interface BalanceShare {
  peer: string
  peername: string
  capacity: number
  pins: number
  goal: number
  after: number
}

/** What a rebalance would do: `count` moves, the first hundred of which are told. */
export interface RebalancePlan {
  peers: BalanceShare[]
  pins: number
  count: number
  moves: Array<{ cid: string, from: string, to: string, why: 'load' | 'group' }>
}

/** A rebalancing: how far it is, in pins. */
export interface Rebalance extends MovingLimits {
  state: 'planning' | 'moving' | 'done' | 'cancelled'
  reason: string
  since: TimeText
  ended_at: TimeText | null
  planned: number
  moved: number
  /** Pins that couldn't be moved, and stay. */
  failed: number
  in_transit: number
  peers: BalanceShare[]
}

/** A warning or an error of the peer's log, of the last hour. */
export interface Warning {
  level: 'warn' | 'error'
  component: string
  message: string
  facts: Record<string, unknown>
  first_at: TimeText
  last_at: TimeText
  count: number
}

/** One try of a delivery to a webhook. `status` null: no answer came. */
export interface WebhookDelivery {
  delivery_id: string
  at: TimeText
  attempt: number
  events: number
  type: string
  status: number | null
  error: string | null
  took_ms: number
}

/** A webhook of the peer's configuration. */
export interface ConfiguredWebhook {
  id: number
  url: string
  types: string[]
  failures: number
  next_try_at: TimeText | null
  missed: boolean
  deliveries: WebhookDelivery[]
}

/** What may be asked for with a pin. What is left out gets the peer's default. */
export interface PinOptions {
  name?: string
  mode?: PinMode
  /** -1: on every peer; 0: the peer's default. */
  replicationFactorMin?: number
  replicationFactorMax?: number
  /** Peers to prefer. */
  userAllocations?: readonly string[]
  expireAt?: Date | TimeText
  metadata?: Readonly<Record<string, string>>
  /** The most that the content may be: bytes, or a text such as "100MB". Peers with the embedded IPFS node refuse what is more. */
  maxSize?: number | string
  /** The same in blocks. */
  maxBlocks?: number
  /** A pin whose options and allocations to take over. */
  pinUpdate?: CidLike
  /** Multiaddresses of nodes that have the content. */
  origins?: readonly string[]
}

/** How content is added. What is left out is as `ipfs add` does it. */
export interface AddOptions extends PinOptions {
  format?: 'unixfs' | 'car'
  layout?: 'balanced' | 'trickle'
  /** `size-<bytes>`, `rabin-<min>-<avg>-<max>` or `buzhash`. */
  chunker?: string
  hash?: string
  cidVersion?: 0 | 1
  /** Default: true with cidVersion 1. */
  rawLeaves?: boolean
  wrapWithDirectory?: boolean
  /** Blocks go to the asked peer's IPFS node only; others fetch them when they pin. */
  local?: boolean
  noPin?: boolean
  shard?: boolean
  shardSize?: number
  noCopy?: boolean
  /** Lines with `bytes` and without `cid` come while a file is read. */
  progress?: boolean
  /** Told to the peer, which ignores them: what is sent decides. */
  recursive?: boolean
  hidden?: boolean
}
