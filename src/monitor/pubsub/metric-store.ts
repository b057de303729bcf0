import type { PeerId } from '../../model/cid.ts'
import type { Metric } from '../../model/metric.ts'

/** A peer publishes a handful of names; one that invents new ones without end must not fill the memory. */
const namesPerPeer = 1000

/** The last metrics of each peer, by name: a window of them each, and a bounded number of names of a peer. */
export class MetricStore {
  readonly #byName = new Map<string, Map<PeerId, MetricWindow>>()
  readonly #namesOf = new Map<PeerId, number>()

  /** False when the peer has too many names already. */
  add (metric: Metric): boolean {
    const peers = this.#byName.get(metric.name)
    const window = peers?.get(metric.peer) ?? this.#newWindow(metric, peers)
    window?.add(metric)
    return window != null
  }

  latest (name: string, peer: PeerId): Metric | undefined { return this.#byName.get(name)?.get(peer)?.latest() }

  /** The latest of each peer, sorted by peer; expired and invalid ones included. */
  latestOfAll (name: string): Metric[] {
    const peers = [...this.#byName.get(name) ?? []].toSorted(([one], [other]) => one < other ? -1 : 1)
    return peers.map(([, window]) => window.latest()).filter(metric => metric != null)
  }

  names (): string[] { return [...this.#byName.keys()] }

  forget (peer: PeerId): void {
    this.#namesOf.delete(peer)
    for (const peers of this.#byName.values()) peers.delete(peer)
    this.#forgetNames()
  }

  /** Names stay when nobody has them any more, as in Go; but not those of ever new peers without end. */
  #forgetNames (): void {
    for (const [name, peers] of this.#byName) {
      if (this.#byName.size <= namesPerPeer) return
      if (peers.size === 0) this.#byName.delete(name)
    }
  }

  #newWindow ({ name, peer }: Metric, peers = new Map<PeerId, MetricWindow>()): MetricWindow | undefined {
    const names = this.#namesOf.get(peer) ?? 0
    if (names >= namesPerPeer) return undefined
    const window = new MetricWindow()
    this.#namesOf.set(peer, names + 1)
    this.#byName.set(name, peers.set(peer, window))
    return window
  }
}

const windowSize = 25

/** The last metrics of one name of one peer, in a ring. */
export class MetricWindow {
  readonly #ring: Metric[] = []
  #newest = -1

  add (metric: Metric): void {
    this.#newest = (this.#newest + 1) % windowSize
    this.#ring[this.#newest] = metric
  }

  latest (): Metric | undefined { return this.#ring[this.#newest] }

  /** Newest first. */
  all (): Metric[] {
    return [...this.#ring.slice(0, this.#newest + 1).toReversed(), ...this.#ring.slice(this.#newest + 1).toReversed()]
  }
}
