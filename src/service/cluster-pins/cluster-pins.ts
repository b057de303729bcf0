import type { Startable } from '../../base/lifecycle.ts'
import type { PinningStatus } from '../../model/pinning-service.ts'
import type { Sql } from '../sql/sql.ts'

/** How a CID stands in the cluster. */
export interface ClusterPinStatus {
  state: PinningStatus
  /** Peers that hold it, of those that have to; 0 of 0 while nobody has been asked. */
  replicas: number
  wanted: number
  /**
   * For people, all of it optional: `replicas` "2 of 3", `error`, `waiting_for` (what a pin that isn't done waits for), `why` nothing
   * comes, how many were `asked`, `since` and `next_try` (RFC 3339). Empty for what is pinned on one peer of one.
   */
  info: Readonly<Record<string, string>>
}

export interface AcquireOptions {
  /** Name of the pin in the pinset; the first owner's counts. */
  name?: string
  /** The user who owns it; the pin waits in the queue of the first owner. */
  tenant?: string
  /** Multiaddresses of nodes that have the content; those of all owners are tried. */
  origins?: readonly string[]
}

/**
 * Which items of the cluster's pinset the service wants there: one pin per CID, however many things of however many users own it. An
 * *owner* is a file or a tenant pin; its row is the caller's, here is only the number of them.
 *
 * The table is an outbox. `acquire` and `release` change what is wanted, inside the transaction that makes or removes the owner; a worker
 * then does it in the cluster and notes that it has. So a crash at any point leaves a row that says what is left to do, and a transaction
 * that is rolled back leaves nothing.
 *
 * - What is in the pinset already is borrowed: it is never removed, and keeps its options (a pin of the root alone becomes recursive). What
 *   isn't is pinned with the cluster's own replication factors and `mark`ed in its metadata: `made`. The last owner's going removes what
 *   was made, unless somebody else has pinned it over meanwhile: that took the mark away.
 * - What somebody else removes while an owner remains is pinned again, as soon as this peer hears of it.
 * - Statuses follow the cluster: within a fraction of a second for what is new, more and more rarely for what takes long; all of them are
 *   compared again and again. `pinned` falls back when a holder says that it has lost the content, and not when a holder doesn't answer.
 *   `failed` is tried again by the cluster itself.
 * - CIDs are canonical texts as `parseCid(…).toString()` prints them. CIDv0 and v1 of the same content are two pins, as in the cluster.
 *
 * Several peers on one database share the work: each row is worked on by one of them at a time.
 */
export interface ClusterPins extends Startable {
  /**
   * One more owner. The answer is how the CID stands at this moment: `queued` for a new one. A pin that failed is tried again. Whoever
   * keeps states of its own in the rows of owners sets them from the answer; later changes come by `onStatus`.
   */
  acquire (tx: Sql, cid: string, options?: AcquireOptions): Promise<ClusterPinStatus>
  /** The same for many, each CID once, in few queries. */
  acquireMany (tx: Sql, requests: ReadonlyArray<AcquireOptions & { cid: string }>): Promise<Map<string, ClusterPinStatus>>
  /** One owner less. Releasing what nobody owns is a mistake: INTERNAL. */
  release (tx: Sql, cid: string): Promise<void>
  /** After the transaction: look at the outbox now. */
  wake (): void
  /**
   * Resolves when the pinset has it, or no longer has it, as it is wanted at this moment; rejects with the cluster's error when the try
   * that was made meanwhile failed (it will be tried again). For answers that shall tell of a refusal (NOT_ENOUGH_PEERS, DENIED,
   * STORAGE_FULL, …); not needed for anything to happen.
   */
  applied (cid: string, options?: { signal?: AbortSignal }): Promise<void>
  /** Resolves when this peer notes another state of it: ask for it first, then look how it stands. Rejects with the signal's reason. */
  nextStatus (cid: string, options: { signal: AbortSignal }): Promise<void>
  /** As noted; undefined when nobody owns it. Asks no peer. */
  status (cid: string): Promise<ClusterPinStatus | undefined>
  /** The same for many. */
  statuses (cids: readonly string[]): Promise<Map<string, ClusterPinStatus>>
  /**
   * Asks the peers about these now (what is pinned is left out, at most 32), notes what they say, and resolves when it is noted or after
   * `waitMs` (default 250). Calls for a CID that is being asked about wait for that. Never rejects.
   */
  refresh (cids: readonly string[], options?: { waitMs?: number, signal?: AbortSignal }): Promise<void>
  /**
   * Told in the transaction that notes a new status of a CID that has owners, for each CID once per transaction, only when `state` differs
   * from before (`info` alone is not told). What a listener throws takes the transaction back; it is tried again later.
   */
  onStatus (listener: StatusListener): void
  /** The same, told once per transaction of all CIDs whose state is another. Listeners are called in the order in which they came. */
  onStatuses (listener: StatusesListener): void
  /**
   * Told in the transaction that first learns the size of a CID's DAG: the sum of its distinct blocks, in bytes. Comes after it was pinned,
   * and only for a CID that somebody holds without knowing its size. `Quota.settle` is called by ClusterPins itself, before the listeners;
   * `over` are the users who are over their quota by it.
   */
  onSize (listener: SizeListener): void
}

/** Called in the transaction that notes a CID's new status. */
export type StatusListener = (tx: Sql, cid: string, status: ClusterPinStatus) => Promise<void>
/** The same, of many CIDs at once. */
export type StatusesListener = (tx: Sql, changes: ReadonlyMap<string, ClusterPinStatus>) => Promise<void>
/** Called in the transaction that notes a CID's size. `over`: users whose quota it doesn't fit into. */
export type SizeListener = (tx: Sql, cid: string, bytes: number, over: readonly string[]) => Promise<void>
