import type { Clock } from '../../base/clock.ts'
import { keepNewest } from '../../base/keep-newest.ts'
import { Listeners } from '../../base/listeners.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Metric } from '../../model/metric.ts'
import { parsePingValue } from '../../model/metric.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { Members } from './members.ts'

export interface RemovedPeersDeps {
  members: Pick<Members, 'has' | 'self'>
  monitor: Pick<Monitor, 'forget'>
  consensus: Pick<Consensus, 'trusts'>
  clock: Pick<Clock, 'elapsed'>
}

/** `wasGone`: it isn't there, or wasn't since it was removed; `at`: since when. */
interface Removed { wasGone: boolean, at: number }

/** Long enough for peers that are cut off for a while. */
const toldMs = 24 * 3_600_000
const mostTold = 32

/**
 * Peers that somebody removed aren't missed by anybody, as soon as they are gone. This one's ping tells the others whom it has removed and
 * who is gone, for a day or until they come back; what others tell counts when their changes of the pinset do. Kept in memory only: after
 * a restart there is nobody to miss.
 */
export class RemovedPeers {
  readonly #deps: RemovedPeersDeps
  readonly #own = new Map<PeerId, Removed>()
  readonly #listeners = new Listeners<PeerId>()

  constructor (deps: RemovedPeersDeps) { this.#deps = deps }

  /** Called for a peer that was removed, here or elsewhere, and isn't there; of those that others removed again and again. */
  onGone (listener: (peer: PeerId) => void): () => void { return this.#listeners.add(listener) }

  /** Nothing is allocated to the peer any more. */
  add (peer: PeerId): void {
    const { members, clock } = this.#deps
    this.#own.delete(peer)
    this.#own.set(peer, { wasGone: !members.has(peer), at: clock.elapsed() })
    keepNewest(this.#own, mostTold)
    if (!members.has(peer)) this.#forget(peer)
  }

  /** What this peer's ping tells. A peer that runs on is there for others, too, which may take it for gone between two of its pings. */
  told (): PeerId[] { return this.own().filter(peer => !this.#deps.members.has(peer)) }

  /** Those that this peer has removed lately. */
  own (): PeerId[] {
    const since = this.#deps.clock.elapsed() - toldMs
    for (const [peer, { at }] of this.#own) if (at < since) this.#own.delete(peer)
    return [...this.#own.keys()]
  }

  /** The peer's ping has expired. */
  gone (peer: PeerId): void {
    if (!this.#own.has(peer)) return
    this.#own.set(peer, { wasGone: true, at: this.#deps.clock.elapsed() })
    this.#forget(peer)
  }

  /** Takes each metric: a peer that comes back is like any other, and pings tell whom others have removed. */
  hear ({ name, peer: sender, value }: Pick<Metric, 'name' | 'peer' | 'value'>): void {
    if (name !== 'ping') return
    const { members, consensus } = this.#deps
    if (this.#own.get(sender)?.wasGone === true) this.#own.delete(sender)
    if (sender === members.self || !value.includes('"removed"') || !consensus.trusts(sender)) return
    for (const peer of parsePingValue(value).removed?.slice(0, mostTold) ?? []) if (!members.has(peer)) this.#forget(peer)
  }

  #forget (peer: PeerId): void {
    this.#deps.monitor.forget(peer)
    this.#listeners.emit(peer)
  }
}
