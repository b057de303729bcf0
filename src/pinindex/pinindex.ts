import type { Startable } from '../base/lifecycle.ts'
import type { NameMatch, PinningStatus } from '../model/pinning-service.ts'
import type { Time } from '../model/time.ts'

/**
 * `unknown`: nobody has been asked yet. `absent`: there is a pin, but none that the Pinning Service API has a word for. Neither is ever
 * listed.
 */
export type IndexedStatus = PinningStatus | 'unknown' | 'absent'

/** What the index keeps of a pin. `cid` is its canonical text, everywhere in this seam. */
export interface IndexEntry { cid: string, name: string, metadata: Readonly<Record<string, string>>, timestamp: Time }

/** `created` in Unix milliseconds, no two alike. */
export interface IndexedPin { cid: string, created: Time, status: IndexedStatus }

/** All that is given must hold. */
export interface PinQuery {
  statuses: readonly PinningStatus[]
  cids?: readonly string[]
  name?: { text: string, match: NameMatch }
  /** All of these pairs. */
  metadata?: Readonly<Record<string, string>>
  /** Created before and after, both exclusive. */
  before?: Time
  after?: Time
  limit: number
}

/** `pins`: the newest ones, newest first, `limit` at most. `count`: how many there are in all. */
export interface FoundPins { count: number, pins: IndexedPin[] }

/**
 * The pins of this peer by the time of their creation, for lists that cost the page and not the pinset. Derived from the pinset (and can be
 * made from it again), except for two things that only it knows: the exact `created` of a pin and its last known status.
 *
 * - `created` is the pin's second, pushed on by steps of 1 ms behind every pin of that second that is here already; so it is unique, and
 *   grows in the order of arrival. It stays as long as the pin's second does, also over a restart.
 * - Writes are synchronous, and survive the process (not the power) when they return. They throw STORAGE_FULL or INTERNAL, and then nothing
 *   was changed.
 * - Searches by CID, exact name, status and time take time for the page and a count over one index; the others read the index in slices,
 *   and let others have their turn between them.
 * - Before `start` and after `stop` every method throws NOT_READY. `start` throws INVALID_DATA for an index of a newer version; a damaged
 *   one is put aside.
 */
export interface PinIndex extends Startable {
  /** Adds or changes pins. `status` is for new ones, known ones keep theirs. Gives the CIDs of those that were new or have changed. */
  put (entries: readonly IndexEntry[], status: IndexedStatus): string[]
  /** Whether a put of this entry would change nothing. */
  isSame (entry: IndexEntry): boolean
  /** CIDs that aren't here don't matter. */
  remove (cids: readonly string[]): void
  /** CIDs that aren't here are passed over. */
  setStatus (changes: ReadonlyArray<{ cid: string, status: IndexedStatus }>): void
  /** Undefined: it isn't in the index. */
  get (cid: string): IndexedPin | undefined
  /** A page of what matches, newest first unless the query says otherwise, and how many match in all. */
  find (query: PinQuery, options?: { signal?: AbortSignal }): Promise<FoundPins>
  /** The newest pins in any of these statuses. */
  newest (statuses: readonly IndexedStatus[], limit: number): IndexedPin[]
  /** The first pins created after this time, oldest first; for walking over all of them. Without a time from the beginning. */
  following (created: Time | undefined, limit: number): IndexedPin[]
  /** Pins in the index; costs nothing. */
  size (): number
}
