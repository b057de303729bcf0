import type { Startable } from '../../base/lifecycle.ts'
import type { NameMatch, PinningStatus } from '../../model/pinning-service.ts'
import type { Sql } from '../sql/sql.ts'
import type { PinRow } from '../sql/tables.ts'

/** What a client asks to be pinned. '' and empty: not given. `cid` in canonical text, `origins` are multiaddresses. */
export interface WantedPin { cid: string, name: string, origins: readonly string[], meta: Readonly<Record<string, string>> }

/** A user and the workspace that pins are made in. */
export interface PinOwner { id: string, workspace: string }

/** All that is given must hold. */
export interface PinFilter {
  /** At most 10; canonical texts. */
  cids?: readonly string[]
  name?: { text: string, match: NameMatch }
  statuses: readonly PinningStatus[]
  /** Created before and after, Unix milliseconds, both exclusive. */
  before?: number
  after?: number
  /** All of these pairs. */
  meta?: Readonly<Record<string, string>>
}

/** How many pins are new here, were here, and may not be. */
export interface TakenOver { imported: number, known: number, refused: number }

/** `pins`: the newest, newest first, `limit` at most. `count`: how many there are in all. */
export interface FoundPins { count: number, pins: TenantPin[] }

/** A pin as its owner sees it. `created` in Unix milliseconds, no two of a user alike. `sizeBytes` null: not known yet. */
export interface TenantPin {
  requestId: string
  cid: string
  name: string
  origins: string[]
  meta: Record<string, string>
  created: number
  status: PinningStatus
  info: Record<string, string>
  sizeBytes: number | null
}

/**
 * Pins of the service's users, as objects of the Pinning Service API: each with a request ID of its own that nobody can guess, many for one
 * CID if the user likes. Each is an owner of the CID's pin in the cluster and holds the CID against the quota.
 *
 * - `created` is the moment of the request, moved on by milliseconds behind the user's other pins: newest first is the order of arrival,
 *   and no page misses one or has one twice.
 * - `status` follows the cluster, in the transaction that notes it there; counters `pins:STATUS` (of the user) go with it.
 * - The size of a pin by CID is known only when it is here; from then on it counts. A user whose account is full gets QUOTA_EXCEEDED for
 *   new ones. A pin whose size turns out to be more than is left becomes `failed`, with the reason in its info, and is let go; deleting
 *   other things and pinning again is the way out.
 * - Others' pins are NOT_FOUND, and count nowhere.
 *
 * Errors beside those named: NOT_READY when the database is away.
 */
export interface Pins extends Startable {
  /** QUOTA_EXCEEDED, nothing is changed then. DENIED for content on the denylist. */
  create (owner: PinOwner, wanted: WantedPin): Promise<TenantPin>
  /**
   * Pins of another service, in few queries of one transaction: those that the user has already (by CID and name) and those on the denylist
   * are left out. QUOTA_EXCEEDED ends the transaction. Call `wake` of ClusterPins afterwards.
   */
  takeOver (tx: Sql, owner: PinOwner, wanted: readonly WantedPin[]): Promise<TakenOver>
  /** A page of the user's pins, newest first, and how many match in all. */
  find (user: string, filter: PinFilter, options: { limit: number, signal?: AbortSignal }): Promise<FoundPins>
  /** NOT_FOUND. Asks the cluster when it isn't pinned yet. */
  get (user: string, requestId: string, options?: { signal?: AbortSignal }): Promise<TenantPin>
  /** New name, origins and meta in the place of the old ones. NOT_FOUND; INVALID_ARGUMENT for another CID. */
  change (owner: PinOwner, requestId: string, wanted: WantedPin): Promise<TenantPin>
  /** A new pin in the place of the old one, with a request ID of its own, in one step. NOT_FOUND, QUOTA_EXCEEDED, DENIED. */
  replace (owner: PinOwner, requestId: string, wanted: WantedPin): Promise<TenantPin>
  /** NOT_FOUND. Resolves when the pinset no longer has what nobody else wants, or after a moment. */
  remove (user: string, requestId: string): Promise<void>
  /**
   * All of a user's pins of this CID go: for whoever deletes or unpins an entry of the list of files, in the same transaction. Gives how
   * many there were. Call `wake` of ClusterPins afterwards.
   */
  removeOf (tx: Sql, user: string, cid: string): Promise<number>
  /** How many of each status, from the counters. */
  counts (user: string): Promise<Record<PinningStatus, number>>
  /** All of a user's pins, oldest first, in batches: for exports. */
  all (user: string, options?: { signal?: AbortSignal }): AsyncIterable<TenantPin[]>
  /**
   * Told in the transaction that makes, changes or removes a user's pins of a CID, with the newest that remains (null: none). The list of
   * files shows such an entry for CIDs that aren't files of the user.
   */
  onChange (listener: PinListener): void
}

/** Called in the transaction that changes what a user has pinned of a CID; `newest` null: nothing is left. */
export type PinListener = (tx: Sql, user: string, cid: string, newest: PinRow | null) => Promise<void>
