import type { Clock } from '../../base/clock.ts'
import type { PeerId } from '../../model/cid.ts'

export interface JoiningPeersDeps {
  clock: Pick<Clock, 'elapsed' | 'after'>
  /** Names the heads, but those that others have named since the last peer joined. */
  speak (heard: ReadonlySet<string>): void
}

/** Joining peers within this time are spoken to at once. */
const gatherMs = 100
/** Every further listener that may speak in our place makes the time in which one of them begins so much longer, up to the longest. */
const spreadMs = { perListener: 20, longest: 2000 }
/** How often the same peer counts as joining, and how often joining peers are spoken to at all. */
const againMs = { samePeer: 10_000, anyPeer: 1000 }
/** Heads of others that are remembered; what is forgotten is named again, which does no harm. */
const maxHeard = 20_000

/**
 * When to name the heads for peers that have just begun to listen, so that they needn't wait for the timer. All peers that are connected
 * to a joining one see it, and gossip carries the message of one to all: they wait for different times, and who hears the heads meanwhile
 * keeps silent. Bounded by time whatever others do.
 */
export class JoiningPeers {
  readonly #self: PeerId
  readonly #deps: JoiningPeersDeps
  /** When they came, the oldest first. */
  readonly #known = new Map<PeerId, number>()
  readonly #heard = new Set<string>()
  #cancel: (() => void) | undefined
  #spokeAt = -Infinity

  constructor (self: PeerId, deps: JoiningPeersDeps) {
    this.#self = self
    this.#deps = deps
  }

  /** `listeners`: how many connected peers listen, the joining one with them. */
  joined (peer: PeerId, listeners: number): void {
    const now = this.#deps.clock.elapsed()
    this.#forget(now)
    if (this.#known.has(peer)) return
    this.#known.set(peer, now)
    // it has not heard what was said before
    this.#heard.clear()
    this.#cancel ??= this.#deps.clock.after(
      Math.max(this.#waitMs(peer, listeners), this.#spokeAt + againMs.anyPeer - now), () => this.#speak()
    )
  }

  /** Another peer named this head. */
  heard (id: string): void { if (this.#cancel != null && this.#heard.size < maxHeard) this.#heard.add(id) }

  stop (): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#known.clear()
  }

  #speak (): void {
    this.#cancel = undefined
    this.#spokeAt = this.#deps.clock.elapsed()
    this.#deps.speak(this.#heard)
    this.#heard.clear()
  }

  #waitMs (peer: PeerId, listeners: number): number {
    return gatherMs + share(`${this.#self}${peer}`) * Math.min(spreadMs.longest, spreadMs.perListener * (listeners - 1))
  }

  #forget (now: number): void {
    for (const [peer, at] of this.#known) {
      if (now - at < againMs.samePeer) return
      this.#known.delete(peer)
    }
  }
}

/** Between 0 and 1, another one for each text (FNV-1a): who speaks first differs from one joining peer to the next. */
function share (text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  // the last characters must reach the high bits
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32
}
