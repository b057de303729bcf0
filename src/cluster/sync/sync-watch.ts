import type { PeerId } from '../../model/cid.ts'
import type { PinsetClaim } from '../../model/pinset-metric.ts'
import type { Time } from '../../model/time.ts'
import type { SyncState } from '../cluster-api.ts'

export interface SyncWatchInit {
  /** How long peers may differ. Milliseconds. */
  intervalMs: number
  /** How often `pass` comes. Milliseconds. */
  passMs: number
}

/** What was last heard of a peer. `claim` undefined: it tells no digest, its heads stand in. */
export interface Heard { peer: PeerId, heads: readonly string[], claim: PinsetClaim | undefined }

/** What a pass looks at, all of one moment. */
export interface Seen {
  now: Time
  /** This peer's own, undefined while it is counted. */
  own: PinsetClaim | undefined
  /** All heads of this peer, sorted. */
  ownHeads: readonly string[]
  heard: readonly Heard[]
  isMerged: (head: string) => boolean
}

/** How another peer's pinset compares with this one's. */
export interface SyncRow {
  peer: PeerId
  state: SyncState
  /** When it became so, Unix milliseconds. */
  since: Time
  claim: PinsetClaim | undefined
  heads: readonly string[]
}

type Verdict = 'same' | 'differs' | 'ahead' | 'incomplete' | 'apart'

/** A key that differs, with both values, and since when it shows these. */
interface DifferingKey {
  values: string
  from: number
  /** The look whose heads both sides have to merge next. */
  look: number
  /** How often they had merged what the other had at a look, and the key showed these values still. */
  outlasted: number
}

/** Times in watched milliseconds, which stop while this process does. */
interface Watched {
  heard: Heard
  /** When it was not heard any more. */
  silentFrom: number | undefined
  firstAt: number
  sameAt: number | undefined
  differsFrom: number | undefined
  isIncomplete: boolean
  /** Heads that aren't here, since when. */
  missing: { heads: readonly string[], from: number } | undefined
  keys: Map<string, DifferingKey>
  /** Up to this look both sides have merged what the other had then. */
  settled: number
  state: SyncState
  since: Time
}

interface OwnPoint { at: number, point: string, digest: string, isComplete: boolean, heads: ReadonlySet<string> }

const mostPoints = 512
/**
 * Once isn't enough: a pin that was absent here may have come and be gone again between two looks, and then shows the values of before
 * until the other side has heard that.
 */
const outlastedToTell = 2

/**
 * Decides how the pinsets of other peers are to this one's, out of what is heard of them: no clock, no network. Peers are rarely heard at
 * the very moment at which they have the same blocks, so what this one had in the last interval is remembered.
 */
export class SyncWatch {
  readonly #init: SyncWatchInit
  readonly #peers = new Map<PeerId, Watched>()
  #points: OwnPoint[] = []
  #watched = 0
  #lastPass: Time | undefined

  constructor (init: SyncWatchInit) { this.#init = init }

  /** Remembers this peer's point, e.g. after a change. */
  note (own: PinsetClaim, heads: readonly string[]): void {
    const last = this.#points.at(-1)
    const point: OwnPoint = { at: this.#watched, point: own.point, digest: own.digest, isComplete: own.isComplete, heads: new Set(heads) }
    if (last?.point === own.point && last.digest === own.digest && last.isComplete === own.isComplete) this.#points.pop()
    this.#points.push(point)
    const oldest = this.#watched - this.#init.intervalMs
    this.#points = this.#points.filter(({ at }) => at >= oldest).slice(-mostPoints)
  }

  /**
   * Looks at everybody who is heard; who isn't for half an interval is forgotten: a metric that got lost is no reason to begin anew.
   * Returns the rows whose state has changed.
   */
  pass ({ now, own, ownHeads, heard, isMerged }: Seen): SyncRow[] {
    if (this.#lastPass != null) this.#watched += Math.min(Math.max(0, now - this.#lastPass), 2 * this.#init.passMs)
    this.#lastPass = now
    if (own != null) this.note(own, ownHeads)
    this.#forgetSilent(new Set(heard.map(({ peer }) => peer)))
    return heard.flatMap(one => this.#look(one, { now, own, isMerged }))
  }

  has (peer: PeerId): boolean { return this.#peers.has(peer) }

  /** Of those who are heard. */
  rows (): SyncRow[] { return [...this.#peers.values()].filter(({ silentFrom }) => silentFrom == null).map(rowOf) }

  #forgetSilent (here: ReadonlySet<PeerId>): void {
    for (const [peer, watched] of this.#peers) {
      watched.silentFrom = here.has(peer) ? undefined : watched.silentFrom ?? this.#watched
      if (watched.silentFrom != null && this.#age(watched.silentFrom) >= this.#init.intervalMs / 2) this.#peers.delete(peer)
    }
  }

  /** Heads of others that aren't here for so long. */
  missing (forMs: number): Array<{ peer: PeerId, heads: readonly string[] }> {
    return [...this.#peers].flatMap(
      ([peer, { missing }]) => missing != null && this.#age(missing.from) >= forMs ? [{ peer, heads: missing.heads }] : []
    )
  }

  /**
   * Peers that haven't been seen in step for a quarter of an interval although neither side misses anything: what they have is to be
   * compared key by key.
   */
  suspects (): PeerId[] {
    const { intervalMs } = this.#init
    return [...this.#peers].filter(([, { heard, sameAt, firstAt, isIncomplete, missing }]) =>
      heard.claim != null && !isIncomplete && (missing == null || this.#age(missing.from) < intervalMs / 4)
        && this.#age(sameAt ?? firstAt) >= intervalMs / 4).map(([peer]) => peer)
  }

  /**
   * The keys in which a peer differs, with both values: what the comparison found; none: it is the same. Looks are numbered; up to
   * `settled` both sides have merged the heads that the other had at that look, so that keys which differ since then aren't under way.
   */
  compared (
    peer: PeerId, { keys, look, settled, now }: { keys: ReadonlyMap<string, string>, look: number, settled: number, now: Time }
  ): SyncRow[] {
    const watched = this.#peers.get(peer)
    if (watched == null) return []
    const isSettled = settled > watched.settled
    watched.settled = Math.max(settled, watched.settled)
    watched.keys = new Map([...keys].map(([key, values]) => {
      const known = watched.keys.get(key)
      if (known?.values !== values) return [key, { values, from: this.#watched, look, outlasted: 0 }]
      return [key, isSettled && known.look <= settled ? { ...known, look, outlasted: known.outlasted + 1 } : known]
    }))
    if (keys.size === 0) this.#same(watched)
    return this.#changed(watched, now)
  }

  #look (heard: Heard, { now, own, isMerged }: Pick<Seen, 'now' | 'own' | 'isMerged'>): SyncRow[] {
    const watched = this.#peers.get(heard.peer) ?? this.#begun(heard, now)
    watched.heard = heard
    if (watched.missing?.heads.every(isMerged) === true) watched.missing = undefined
    const verdict = this.#verdict(heard, own, isMerged)
    watched.isIncomplete = verdict === 'incomplete'
    if (verdict === 'ahead') watched.missing ??= { heads: heard.heads.filter(head => !isMerged(head)), from: this.#watched }
    if (verdict === 'same') this.#same(watched)
    if (verdict === 'differs') watched.differsFrom ??= this.#watched
    return this.#changed(watched, now)
  }

  #begun (heard: Heard, now: Time): Watched {
    const watched: Watched = {
      heard, silentFrom: undefined, firstAt: this.#watched, sameAt: undefined, differsFrom: undefined, isIncomplete: false,
      missing: undefined, keys: new Map(), settled: -1, state: 'unknown', since: now
    }
    this.#peers.set(heard.peer, watched)
    return watched
  }

  #verdict ({ heads, claim }: Heard, own: PinsetClaim | undefined, isMerged: (head: string) => boolean): Verdict {
    if (!heads.every(isMerged)) return 'ahead'
    if (claim?.isComplete === false) return 'incomplete'
    if (claim == null) return this.#points.some(point => isWithin(point.heads, heads)) ? 'same' : 'apart'
    const matching = this.#points.filter(({ point, isComplete }) => isComplete && point === claim.point)
    if (matching.length === 0 || own?.isComplete === false) return 'apart'
    return matching.some(({ digest }) => digest === claim.digest) ? 'same' : 'differs'
  }

  #same (watched: Watched): void {
    watched.sameAt = this.#watched
    watched.differsFrom = undefined
    watched.missing = undefined
    watched.keys.clear()
  }

  #changed (watched: Watched, now: Time): SyncRow[] {
    const state = this.#stateOf(watched)
    if (state === watched.state) return []
    watched.state = state
    watched.since = now
    return [rowOf(watched)]
  }

  #stateOf ({ sameAt, firstAt, differsFrom, isIncomplete, missing, keys }: Watched): SyncState {
    const { intervalMs } = this.#init
    const isLong = (from: number): boolean => this.#age(from) >= intervalMs
    if (differsFrom != null && isLong(differsFrom)) return 'out_of_sync'
    for (const { from, outlasted } of keys.values()) if (outlasted >= outlastedToTell && isLong(from)) return 'out_of_sync'
    if (differsFrom != null) return 'differs'
    if (missing != null) return 'ahead'
    if (isIncomplete || isLong(sameAt ?? firstAt)) return 'behind'
    return sameAt == null ? 'unknown' : 'in_sync'
  }

  #age (from: number): number { return this.#watched - from }
}

const rowOf = ({ heard, state, since }: Watched): SyncRow => ({ peer: heard.peer, state, since, claim: heard.claim, heads: heard.heads })

/** Whether all of them are among those. Go keeps heads that are none any more beside the true ones. */
function isWithin (heads: ReadonlySet<string>, others: readonly string[]): boolean {
  const among = new Set(others)
  for (const head of heads) if (!among.has(head)) return false
  return true
}
