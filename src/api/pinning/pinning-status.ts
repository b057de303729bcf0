import type { GlobalPinInfo } from '../../model/pin-info.ts'
import type { PinningStatus } from '../../model/pinning-service.ts'
import type { TrackerStatus } from '../../model/status.ts'

/**
 * What each status of a peer is worth; of all peers the first kind in the order of `kinds` counts. `waiting` is a peer that has to hold the
 * pin and doesn't yet: it has not heard of it, or has lost it and will fetch it again. It never makes a pin wait that others have begun
 * with.
 */
const kindOf: Readonly<Record<TrackerStatus, 'failed' | 'queued' | 'pinning' | 'pinned' | 'waiting' | 'none'>> = {
  undefined: 'none',
  cluster_error: 'failed',
  pin_error: 'failed',
  unpin_error: 'failed',
  pin_queued: 'queued',
  pinning: 'pinning',
  pinned: 'pinned',
  unpinning: 'waiting',
  unpin_queued: 'waiting',
  unpinned: 'waiting',
  unexpectedly_unpinned: 'waiting',
  remote: 'none',
  sharded: 'none'
}

const kinds = ['failed', 'queued', 'pinning', 'pinned'] as const

/**
 * The status of a pin that is in the pinset, from those of all peers; undefined when the Pinning Service API has no word for it (the root
 * of a sharded DAG).
 */
export function pinningStatusOf ({ peerMap }: Pick<GlobalPinInfo, 'peerMap'>): PinningStatus | undefined {
  const seen = new Set<string>()
  for (const { status } of peerMap.values()) seen.add(kindOf[status])
  return kinds.find(kind => seen.has(kind)) ?? (seen.has('waiting') ? 'queued' : undefined)
}
