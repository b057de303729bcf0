import type { MetricsByName } from '../../allocator/allocator.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Metric } from '../../model/metric.ts'
import type { Pin } from '../../model/pin.ts'
import type { Placement } from '../pinning/placement.ts'

export interface ReceiversDeps { placement: Pick<Placement, 'candidates' | 'metrics' | 'tags'> }

/** Pins that a peer was assigned: those that it hasn't got yet, and those that it got after it had told its metric. */
interface Assigned { pending: number, arrived: number, measuredAt: bigint }

/** What of a metric's weight a pin costs: bytes, or one. */
const costs: Readonly<Record<string, 'bytes' | 'one'>> = { freespace: 'bytes', reposize: 'bytes', pinqueue: 'one', numpin: 'one' }

/**
 * Who takes what leaves a peer. Metrics are told every half minute, and a thousand pins are given in that time: what a peer was given
 * counts against it until its metric can show it, else all would go to the one that had most room.
 */
export class Receivers {
  readonly #deps: ReceiversDeps
  readonly #assigned = new Map<PeerId, Assigned>()
  /** Bytes of a pin, on the whole; at least one, so that peers with as much room take turns. */
  #meanBytes = 1n

  constructor (deps: ReceiversDeps) { this.#deps = deps }

  measure (bytes: number, pins: number): void { this.#meanBytes = BigInt(Math.max(1, Math.floor(bytes / Math.max(1, pins)))) }

  /** The best first: those that bring the pin into a group (tag) in which it isn't, then by the allocator. */
  candidates (pin: Pin, from: PeerId): PeerId[] {
    const { placement } = this.#deps
    const metrics = this.#lowered(placement.metrics())
    const found = placement.candidates(new Set([from, ...pin.allocations]), metrics)
    const others = pin.allocations.filter(peer => peer !== from)
    return byFreshGroups(found, others, placement.tags.map(name => metrics.get(name) ?? new Map<PeerId, Metric>()))
  }

  assign (peers: readonly PeerId[]): void {
    for (const peer of peers) this.#of(peer).pending++
  }

  arrive (peers: readonly PeerId[]): void {
    for (const peer of peers) {
      const assigned = this.#of(peer)
      assigned.pending--
      assigned.arrived++
    }
  }

  /** Peers that were given something. */
  assigned (): PeerId[] { return [...this.#assigned.keys()] }

  #of (peer: PeerId): Assigned {
    const assigned = this.#assigned.get(peer) ?? { pending: 0, arrived: 0, measuredAt: 0n }
    this.#assigned.set(peer, assigned)
    return assigned
  }

  #lowered (metrics: MetricsByName): MetricsByName {
    return new Map([...metrics].map(([name, ofName]) => {
      const cost = costs[name]
      return [name, cost == null ? ofName : new Map([...ofName].map(([peer, metric]) => [peer, this.#lower(metric, cost)]))]
    }))
  }

  #lower (metric: Metric, cost: 'bytes' | 'one'): Metric {
    const assigned = this.#assigned.get(metric.peer)
    if (assigned == null) return metric
    if (assigned.measuredAt !== metric.receivedAt) Object.assign(assigned, { measuredAt: metric.receivedAt, arrived: 0 })
    const pins = BigInt(assigned.pending + assigned.arrived)
    return { ...metric, weight: metric.weight - pins * (cost === 'bytes' ? this.#meanBytes : 1n) }
  }
}

/** Those first that are in groups where none of the holders is; else their order stays. */
function byFreshGroups (
  candidates: readonly PeerId[], holders: readonly PeerId[], tags: ReadonlyArray<ReadonlyMap<PeerId, Pick<Metric, 'value'>>>
): PeerId[] {
  const taken = tags.map(tag => new Set(holders.map(peer => tag.get(peer)?.value)))
  const fresh = (peer: PeerId): number => tags.filter((tag, at) => taken[at]?.has(tag.get(peer)?.value) === false).length
  return candidates.toSorted((one, other) => fresh(other) - fresh(one))
}
