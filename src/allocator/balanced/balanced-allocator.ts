import type { PeerId } from '../../model/cid.ts'
import type { Metric } from '../../model/metric.ts'
import { compareUtf8 } from '../../model/pin.ts'
import type { AllocationInput, Allocator, MetricsByName } from '../allocator.ts'

export interface BalancedAllocatorInit {
  /** Metric names, the coarsest first: ["tag:group", "freespace"]. */
  allocateBy: readonly string[]
}

/**
 * Go's "balanced" allocator (allocator/balanced): peers are grouped by the first metric, each group by the second, and so on; then they are
 * taken by turns, one from each group, heavier groups first. Where Go leaves it to chance we go by peer ID: among peers of one group of the
 * last metric, and among groups that are equal in weight, weight of their sub-groups and value.
 */
export function balancedAllocator ({ allocateBy }: BalancedAllocatorInit): Allocator {
  const orderSet = (peers: ReadonlySet<PeerId>, metrics: MetricsByName): PeerId[] => {
    const root = new Node(partition([...peers].toSorted(), allocateBy, metrics))
    return Array.from({ length: peers.size }, () => root.next()).filter(peer => peer != null)
  }
  return {
    allocateBy,
    order: ({ candidates, priority, metrics }: AllocationInput) => [...orderSet(priority, metrics), ...orderSet(candidates, metrics)]
  }
}

/** Peers with an equal value of one metric. `node` groups them by the next metric; without one they are taken as they come. */
interface Partition { value: string, weight: bigint, aggregatedWeight: bigint, peers: PeerId[], node: Node | undefined }

/** Partitions that are asked by turns. */
class Node {
  readonly partitions: readonly Partition[]
  #cursor = 0

  constructor (partitions: readonly Partition[]) { this.partitions = partitions }

  /** The next peer; undefined when all are taken. */
  next (): PeerId | undefined {
    for (let tried = 0; tried < this.partitions.length; tried++) {
      const current = this.partitions[this.#cursor]
      this.#cursor = (this.#cursor + 1) % this.partitions.length
      const peer = current?.node == null ? current?.peers.shift() : current.node.next()
      if (peer != null) return peer
    }
    return undefined
  }
}

function partition (peers: readonly PeerId[], [name, ...rest]: readonly string[], metrics: MetricsByName): Partition[] {
  const partitions: Partition[] = []
  for (const peer of peers) {
    const metric = metrics.get(name ?? '')?.get(peer)
    if (metric != null) addTo(partitions, peer, metric)
  }
  for (const one of partitions) {
    if (rest.length === 0) continue
    one.node = new Node(partition(one.peers, rest, metrics))
    for (const inner of one.node.partitions) one.aggregatedWeight += inner.aggregatedWeight
  }
  return partitions.toSorted(heavierFirst) // stable: equal ones stay in the order of their first peer
}

function addTo (partitions: Partition[], peer: PeerId, { value, weight, partitionable }: Metric): void {
  const same = partitionable ? partitions.find(one => one.value === value) : undefined
  if (same == null) {
    partitions.push({ value, weight, aggregatedWeight: weight, peers: [peer], node: undefined })
    return
  }
  same.peers.push(peer)
  same.weight += weight
  same.aggregatedWeight += weight
}

function heavierFirst (a: Partition, b: Partition): number {
  if (a.weight !== b.weight) return a.weight > b.weight ? -1 : 1
  if (a.aggregatedWeight !== b.aggregatedWeight) return a.aggregatedWeight > b.aggregatedWeight ? -1 : 1
  return compareUtf8(a.value, b.value)
}
