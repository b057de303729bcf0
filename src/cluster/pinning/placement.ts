import { allocate, peersWithAll } from '../../allocator/allocation.ts'
import type { Allocator, MetricsByName } from '../../allocator/allocator.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import type { Monitor } from '../../monitor/monitor.ts'

export interface PlacementInit { pinOnlyOnTrustedPeers: boolean, pinOnlyOnUntrustedPeers: boolean }

export interface PlacementDeps {
  allocator: Allocator
  monitor: Pick<Monitor, 'latest'>
  consensus: Pick<Consensus, 'trusts'>
  /** Peers that are on their way out, or drained, and get nothing new. */
  isLeaving: (peer: PeerId) => boolean
}

/** A pin that needs peers. */
export interface PlacementRequest {
  pin: Pick<Pin, 'replicationFactorMin' | 'replicationFactorMax' | 'userAllocations'>
  /** Where the item is now. */
  current: readonly PeerId[]
  /** Peers that must not be chosen and don't count as holders. */
  without?: ReadonlySet<PeerId>
}

const nobody: ReadonlySet<PeerId> = new Set()

/** Picks the peers for a pin by what the monitor knows now (allocate.go). */
export class Placement {
  readonly #init: PlacementInit
  readonly #deps: PlacementDeps

  constructor (init: PlacementInit, deps: PlacementDeps) {
    this.#init = init
    this.#deps = deps
  }

  /**
   * Throws NOT_ENOUGH_PEERS with Go's text; PIN_REFUSED for factors that add up to zero. `metrics`: a look at the monitor that serves many
   * pins.
   */
  allocate ({ pin, current, without = nobody }: PlacementRequest, metrics: MetricsByName = this.metrics()): PeerId[] {
    const { replicationFactorMin: min, replicationFactorMax: max, userAllocations: priority } = pin
    const excluded = (peer: PeerId): boolean => without.has(peer) || !this.#mayHold(peer, current)
    return allocate({ current, min, max, priority, metrics, excluded }, this.#deps.allocator)
  }

  /** All peers that could take an item, the best first; `without` those. */
  candidates (without: ReadonlySet<PeerId>, metrics: MetricsByName = this.metrics()): PeerId[] {
    const { allocator } = this.#deps
    const able = peersWithAll(metrics, allocator.allocateBy)
    const candidates = new Set([...able].filter(peer => !without.has(peer) && this.#mayHold(peer, [])))
    return allocator.order({ candidates, priority: nobody, metrics })
  }

  /** The metrics that are tags, such as `tag:region`. */
  get tags (): string[] { return this.#deps.allocator.allocateBy.filter(name => name.startsWith('tag:')) }

  /** The latest valid metrics that peers are compared by. */
  metrics (): MetricsByName {
    const { allocator, monitor } = this.#deps
    return new Map(allocator.allocateBy.map(name => [name, new Map(monitor.latest(name).map(metric => [metric.peer, metric]))]))
  }

  #mayHold (peer: PeerId, current: readonly PeerId[]): boolean {
    const { pinOnlyOnTrustedPeers, pinOnlyOnUntrustedPeers } = this.#init
    if (this.#deps.isLeaving(peer) && !current.includes(peer)) return false
    if (pinOnlyOnTrustedPeers) return this.#deps.consensus.trusts(peer)
    if (pinOnlyOnUntrustedPeers) return !this.#deps.consensus.trusts(peer)
    return true
  }
}
