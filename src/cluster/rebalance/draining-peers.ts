import type { Clock } from '../../base/clock.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { PeerId } from '../../model/cid.ts'
import { parsePingValue } from '../../model/metric.ts'
import type { Monitor } from '../../monitor/monitor.ts'

export interface DrainingPeersDeps {
  monitor: Pick<Monitor, 'lastKnown'>
  consensus: Pick<Consensus, 'trusts'>
  clock: Pick<Clock, 'now' | 'elapsed'>
}

const readAgainMs = 1000
/** A peer that drains others and is gone may come back and go on. */
const believedMs = 24 * 3_600_000
const mostBelieved = 64

/**
 * Peers from which this one or another moves everything away. The others say so in their pings; only those count whose changes of the
 * pinset do.
 */
export class DrainingPeers {
  readonly #init: { self: PeerId }
  readonly #deps: DrainingPeersDeps
  readonly #own = new Set<PeerId>()
  #announced = new Map<PeerId, PeerId>()
  #readAt = -Infinity

  constructor (init: { self: PeerId }, deps: DrainingPeersDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** Those that this peer drains: what its ping tells. */
  own (): PeerId[] { return [...this.#own] }
  add (peer: PeerId): void { this.#own.add(peer) }
  delete (peer: PeerId): void { this.#own.delete(peer) }

  has (peer: PeerId): boolean { return this.#own.has(peer) || this.drainedBy(peer) != null }

  /** Which other peer drains it. */
  drainedBy (peer: PeerId): PeerId | undefined {
    const { clock } = this.#deps
    if (clock.elapsed() >= this.#readAt + readAgainMs) this.#read()
    return this.#announced.get(peer)
  }

  #read (): void {
    const { monitor, consensus, clock } = this.#deps
    const now = clock.now()
    this.#readAt = clock.elapsed()
    this.#announced = new Map()
    for (const { peer: sender, value, receivedAt } of monitor.lastKnown('ping')) {
      const isOld = receivedAt > 0n && now - Number(receivedAt) / 1e6 > believedMs
      if (sender === this.#init.self || isOld || !value.includes('"draining"') || !consensus.trusts(sender)) continue
      for (const peer of parsePingValue(value).draining?.slice(0, mostBelieved) ?? []) this.#announced.set(peer, sender)
    }
  }
}
