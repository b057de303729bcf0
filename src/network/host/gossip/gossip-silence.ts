import type { PeerId } from '../../../model/cid.ts'

export interface SilenceInit {
  /** How long a connected peer may say nothing before it counts as silent. Milliseconds. */
  afterMs: number
  /** How often `pass` is called. Milliseconds. */
  intervalMs: number
}

/** What is to be done about a silent peer. */
export interface Remedy { peer: PeerId, renew: 'streams' | 'connection', silentMs: number }

interface Ear {
  /** How long its regular message holds, by its own word: it may be as slow as that. Milliseconds; 0 when it has said nothing yet. */
  holdsMs: number
  /** Time that passed without a word while the peer was connected. */
  silentMs: number
  isSilent: boolean
  isConnected: boolean
  /** Remedies since it was heard last; the next one comes after twice the time. */
  remedies: number
  /** How often it fell silent; a peer that does it again and again gets more time. */
  relapses: number
  /** Time since it fell silent last. */
  sinceRelapseMs: number
  /** Time since it was connected last. */
  goneMs: number
}

/** A peer that holds its metric for this long publishes every half of it. Three missed in a row are silence. */
const holdsUntilSilent = 1.5
/** A peer that was heard for so long is trusted to be heard again, and one that is gone for so long is forgotten. */
const forgetAfterMs = 10 * 60_000
const mostDoublings = 4

/**
 * Which connected peers say nothing. All members of a cluster publish their metrics regularly, and everybody hears them, directly or
 * through others: who is connected, and whose streams bring nothing while none of its messages comes by other ways either, is cut off from
 * gossip. Decides only; who calls `pass` acts. Time counts by passes: when this process stood still, that says nothing of the others.
 */
export class GossipSilence {
  readonly #init: SilenceInit
  readonly #ears = new Map<PeerId, Ear>()
  #lastPass: number | undefined

  constructor (init: SilenceInit) { this.#init = init }

  /** Connected peers that are silent, and how many are heard. */
  report (): { silent: PeerId[], heard: number } {
    const connected = [...this.#ears].filter(([, { isConnected }]) => isConnected)
    const silent = connected.filter(([, { isSilent }]) => isSilent).map(([peer]) => peer)
    return { silent, heard: connected.length - silent.length }
  }

  /** The peer has said how long its regular message holds. Milliseconds. It may not be connected: others bring what it says. */
  holds (peer: PeerId, holdsMs: number): void {
    const ear = this.#ears.get(peer) ?? { ...newEar(), isConnected: false }
    ear.holdsMs = holdsMs
    ear.goneMs = 0
    this.#ears.set(peer, ear)
  }

  /** Something came from the peer. Returns true when it had been silent. */
  heard (peer: PeerId): boolean {
    const ear = this.#ears.get(peer)
    if (ear == null) return false
    const was = ear.isSilent
    ear.silentMs = 0
    ear.isSilent = false
    ear.remedies = 0
    return was
  }

  /** Some time has passed; `now` is of the process. `connected`: the peers that should be heard. Returns what is due. */
  pass (now: number, connected: ReadonlySet<PeerId>): Remedy[] {
    const { intervalMs } = this.#init
    const stepMs = this.#lastPass == null ? 0 : Math.min(now - this.#lastPass, 2 * intervalMs)
    this.#lastPass = now
    for (const peer of connected) if (!this.#ears.has(peer)) this.#ears.set(peer, newEar())
    const due: Remedy[] = []
    for (const [peer, ear] of this.#ears) {
      ear.isConnected = connected.has(peer)
      ear.goneMs = ear.isConnected ? 0 : ear.goneMs + stepMs
      ear.sinceRelapseMs += stepMs
      if (ear.goneMs >= forgetAfterMs) this.#ears.delete(peer)
      else if (ear.isConnected) due.push(...this.#listen(peer, ear, stepMs))
    }
    return due
  }

  #listen (peer: PeerId, ear: Ear, stepMs: number): Remedy[] {
    ear.silentMs += stepMs
    if (!ear.isSilent && ear.sinceRelapseMs >= forgetAfterMs) ear.relapses = 0
    const afterMs = Math.max(
      this.#init.afterMs, ear.holdsMs * holdsUntilSilent
    ) * 2 ** Math.min(ear.relapses - Number(ear.isSilent), mostDoublings)
    if (ear.silentMs < afterMs * 2 ** Math.min(ear.remedies, mostDoublings)) return []
    if (!ear.isSilent) {
      ear.isSilent = true
      ear.relapses++
      ear.sinceRelapseMs = 0
    }
    const renew = ear.remedies === 0 ? 'streams' : 'connection'
    ear.remedies++
    return [{ peer, renew, silentMs: ear.silentMs }]
  }
}

const newEar = (): Ear => ({
  holdsMs: 0, silentMs: 0, isSilent: false, isConnected: true, remedies: 0, relapses: 0, sinceRelapseMs: 0, goneMs: 0
})
