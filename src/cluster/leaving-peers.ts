import type { Clock } from '../base/clock.ts'
import type { PeerId } from '../model/cid.ts'

const forgetAfterMs = 24 * 3_600_000

interface Leaving { until: number, isEmpty: boolean, wasGone: boolean }

/** Peers that somebody removed: they get no new pins for a day, or until they went away and came back. */
export class LeavingPeers {
  readonly #clock: Pick<Clock, 'now'>
  readonly #peers = new Map<PeerId, Leaving>()

  constructor (deps: { clock: Pick<Clock, 'now'> }) { this.#clock = deps.clock }

  add (peer: PeerId): void { this.#peers.set(peer, { until: this.#clock.now() + forgetAfterMs, isEmpty: false, wasGone: false }) }

  /** All pins of the peer have moved. */
  emptied (peer: PeerId): void {
    const entry = this.#peers.get(peer)
    if (entry?.wasGone === true) this.#peers.delete(peer)
    else if (entry != null) entry.isEmpty = true
  }

  /** The peer is gone; when it comes back, and its pins have moved, it is like any other. */
  gone (peer: PeerId): void {
    const entry = this.#peers.get(peer)
    if (entry?.isEmpty === true) this.#peers.delete(peer)
    else if (entry != null) entry.wasGone = true
  }

  has (peer: PeerId): boolean {
    const entry = this.#peers.get(peer)
    if (entry == null) return false
    if (entry.until > this.#clock.now()) return true
    this.#peers.delete(peer)
    return false
  }

  /** Those that still hold pins. */
  unfinished (): PeerId[] { return [...this.#peers.keys()].filter(peer => this.has(peer) && this.#peers.get(peer)?.isEmpty === false) }
}
