import type { PinFilter, PinResults, PinStatus } from '../../../client/service/types.ts'

export interface PinCounts extends Record<PinStatus, number> { total: number }

const statuses: readonly PinStatus[] = ['queued', 'pinning', 'pinned', 'failed']

/** How many pins have each status: the Pinning Service API counts all that fit, however few it lists. */
export async function countByState (service: { pins: { page: (filter: PinFilter & { signal?: AbortSignal }) => Promise<PinResults> } }, { signal }: { signal: AbortSignal }): Promise<PinCounts> {
  const counts = await Promise.all(statuses.map(async status => (await service.pins.page({ status: [status], limit: 1, signal })).count))
  const [queued = 0, pinning = 0, pinned = 0, failed = 0] = counts
  return { queued, pinning, pinned, failed, total: queued + pinning + pinned + failed }
}
