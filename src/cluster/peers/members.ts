import type { PeerId } from '../../model/cid.ts'
import { peerIdBytes } from '../../model/cid.ts'
import type { PingValue } from '../../model/metric.ts'
import { parsePingValue } from '../../model/metric.ts'
import type { Monitor } from '../../monitor/monitor.ts'

export interface MembersInit {
  self: PeerId
  /** The metric whose senders are members; "ping" unless configured otherwise. */
  peersetMetric: string
}

export interface MembersDeps { monitor: Pick<Monitor, 'latest' | 'latestOf' | 'lastKnown' | 'lastKnownOf'> }

/** A peer that is expected and not there. `lastSeen` in Unix milliseconds; null when it wasn't heard since this peer began. */
export interface MissingPeer { peer: PeerId, peerName: string, lastSeen: number | null }

/** Who belongs to the cluster now: whoever has a valid peerset metric, and this peer. There is no other list (cluster.go). */
export class Members {
  readonly #init: MembersInit
  readonly #monitor: MembersDeps['monitor']

  constructor (init: MembersInit, deps: MembersDeps) {
    this.#init = init
    this.#monitor = deps.monitor
  }

  get self (): PeerId { return this.#init.self }

  /** Sorted by the bytes of the peer IDs. */
  list (): PeerId[] {
    const peers = new Set(this.#monitor.latest(this.#init.peersetMetric).map(metric => metric.peer))
    return [...peers.add(this.self)].toSorted(comparePeers)
  }

  has (peer: PeerId): boolean {
    return peer === this.self || this.#monitor.latestOf(this.#init.peersetMetric, peer) != null
  }

  /** Peers that were heard since this one began and aren't members any more, sorted by the bytes of their IDs. */
  missing (): MissingPeer[] {
    const known = new Set(['ping', this.#init.peersetMetric].flatMap(name => this.#monitor.lastKnown(name).map(({ peer }) => peer)))
    return [...known].filter(peer => !this.has(peer)).toSorted(comparePeers).map(peer => this.missingPeer(peer))
  }

  /** What is known of a peer that isn't there. */
  missingPeer (peer: PeerId): MissingPeer {
    const seen = this.#monitor.lastKnownOf('ping', peer)?.receivedAt
    return { peer, peerName: this.ping(peer).peerName, lastSeen: seen == null ? null : Math.floor(Number(seen) / 1e6) }
  }

  /**
   * What a peer last said of itself, however long ago: a dead peer keeps its name in rows with its error, as in Go. Empty fields when it
   * never said anything.
   */
  ping (peer: PeerId): PingValue {
    return parsePingValue(this.#monitor.lastKnownOf('ping', peer)?.value ?? '{}')
  }
}

/** Orders peer IDs by their bytes; the texts have that order as long as they are equally long. */
function comparePeers (a: PeerId, b: PeerId): number {
  if (a.length === b.length) return a < b ? -1 : a > b ? 1 : 0
  return Buffer.compare(peerIdBytes(a), peerIdBytes(b))
}
