import { ClusterError } from '../base/errors.ts'
import type { PeerId } from '../model/cid.ts'
import type { Allocator, MetricsByName } from './allocator.ts'

/** What is to be decided about one item: where it is, where it should be, and what is known of the peers. */
export interface AllocationRequest {
  /** Where the item is allocated now, dead peers included; empty for a new one. */
  current: readonly PeerId[]
  /** Replication factors. Both negative: everywhere. */
  min: number
  max: number
  /** Peers that must not be chosen and don't count as holders (blacklist, trust filter). */
  excluded: (peer: PeerId) => boolean
  /** Peers that the user named: chosen before the others. */
  priority: readonly PeerId[]
  /** The latest valid metrics. */
  metrics: MetricsByName
}

/** Peers by what they may become, each in one class only. */
interface Classes { current: PeerId[], priority: Set<PeerId>, candidates: Set<PeerId> }

/**
 * The peers that shall hold an item (allocate.go): empty for everywhere; as before when enough of the present holders live, without the
 * dead ones when all together are more than `max` (Go keeps them); the first `max` of those that live when they are too many; else filled
 * up to `max`, dead ones dropped.
 *
 * Throws NOT_ENOUGH_PEERS (details needed, wanted, available; Go's text) and INVALID_ARGUMENT for factors that add up to zero.
 */
export function allocate (request: AllocationRequest, allocator: Allocator): PeerId[] {
  const { min, max } = request
  if (min + max === 0) throw new ClusterError('INVALID_ARGUMENT', { min, max }, { message: `bad replication factors: ${min}/${max}` })
  if (min < 0 && max < 0) return []
  const { current, priority, candidates } = classify(request, allocator.allocateBy)
  const needed = min - current.length
  const wanted = max - current.length
  if (wanted < 0) return current.slice(0, max)
  if (needed <= 0) return request.current.length > max ? current : [...request.current]
  const available = priority.size + candidates.size
  if (available < needed) throw notEnough({ needed, wanted, available })
  return [...current, ...allocator.order({ priority, candidates, metrics: request.metrics }).slice(0, wanted)]
}

/** A peer counts only when it has all metrics; being a holder goes before being named by the user. */
function classify ({ current, priority, excluded, metrics }: AllocationRequest, names: readonly string[]): Classes {
  const able = peersWithAll(metrics, names)
  for (const peer of able) if (excluded(peer)) able.delete(peer)
  const holders = current.filter(peer => able.delete(peer))
  const named = new Set(priority.filter(peer => able.delete(peer)))
  return { current: holders, priority: named, candidates: able }
}

/** Peers that have a metric of each name: only they can be chosen. */
export function peersWithAll (metrics: MetricsByName, names: readonly string[]): Set<PeerId> {
  const [first, ...others] = names.map(name => metrics.get(name) ?? new Map<PeerId, unknown>())
  return new Set([...first?.keys() ?? []].filter(peer => others.every(one => one.has(peer))))
}

function notEnough (facts: { needed: number, wanted: number, available: number }): ClusterError {
  const { needed, wanted, available } = facts
  return new ClusterError('NOT_ENOUGH_PEERS', facts, {
    message: `not enough peers to allocate CID. Needed at least: ${needed}. Wanted at most: ${wanted}. Available candidates: ${available}. See logs for more info.`
  })
}
