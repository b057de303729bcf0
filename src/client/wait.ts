import type { Clock } from '../base/clock.ts'
import { ClusterError } from '../base/errors.ts'
import type { ClusterClient } from './client.ts'
import type { CidLike, GlobalPinInfo, TrackerStatus } from './types.ts'

export interface WaitOptions {
  target: 'pinned' | 'unpinned'
  /** How many peers must have it; at most all of them. 0 or less: all, where those that don't have to hold the pin don't count. */
  limit: number
  everyMs?: number
  signal?: AbortSignal
  /** Told after every look. */
  onStatus? (status: GlobalPinInfo): void
}

export interface WaitDeps { client: Pick<ClusterClient, 'status'>, clock: Pick<Clock, 'sleep'> }

const failed: ReadonlySet<TrackerStatus> = new Set<TrackerStatus>(['undefined', 'cluster_error', 'pin_error', 'unpin_error'])

/** Looks once a second until the pin stands as wanted; gives the last status. Throws PEER_FAILED when a peer reports an error. */
export async function waitForStatus (cid: CidLike, options: WaitOptions, { client, clock }: WaitDeps): Promise<GlobalPinInfo> {
  const { everyMs = 1000, signal, onStatus } = options
  for (;;) {
    await clock.sleep(everyMs, signal)
    const status = await client.status(cid, signal == null ? {} : { signal })
    onStatus?.(status)
    if (isReached(status, options)) return status
  }
}

/** Whether enough peers have the status that is waited for, see `WaitOptions`. Throws PEER_FAILED as soon as one has failed. */
export function isReached ({ peer_map: peers }: GlobalPinInfo, { target, limit }: Pick<WaitOptions, 'target' | 'limit'>): boolean {
  const statuses = Object.values(peers).map(({ status }) => status)
  if (statuses.some(status => failed.has(status))) {
    throw new ClusterError('PEER_FAILED', { target }, { message: `error has occurred while attempting to reach status: ${target}` })
  }
  const wanted = Math.min(limit, statuses.length)
  if (wanted > 0) return statuses.filter(status => status === target).length >= wanted
  return statuses.every(status => status === target || (target === 'pinned' && status === 'remote'))
}
