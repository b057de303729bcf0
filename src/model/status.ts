import { invalidArgument } from '../base/errors.ts'

/** Go's tracker statuses; the numbers are sent inside RPC, the names in JSON (api/types.go). */
export const trackerStatuses = {
  undefined: 0,
  cluster_error: 2,
  pin_error: 4,
  unpin_error: 8,
  pinned: 16,
  pinning: 32,
  unpinning: 64,
  unpinned: 128,
  remote: 256,
  pin_queued: 512,
  unpin_queued: 1024,
  sharded: 2048,
  unexpectedly_unpinned: 4096
} as const

/** Go's name of where a pin stands on one peer. */
export type TrackerStatus = keyof typeof trackerStatuses

/** A set of statuses as a bit mask. 0 means "all". */
export type StatusFilter = number

const composites: Record<string, number> = { error: 14, queued: 1536 }

/** True when an item with this status passes: filter 0 and status `undefined` match everything. */
export const statusMatches = (status: TrackerStatus, filter: StatusFilter): boolean => {
  const bits = trackerStatuses[status]
  return filter === 0 || bits === 0 || (bits & filter) !== 0
}

/**
 * Parses a comma list of status names (blanks removed, unknown names ignored). Throws INVALID_ARGUMENT "invalid filter value" when a
 * filter was given and nothing of it is known.
 */
export function parseStatusFilter (text: string): StatusFilter {
  if (text === '') return 0
  let mask = 0
  for (const name of text.replaceAll(' ', '').split(',')) mask |= composites[name] ?? trackerStatuses[name as TrackerStatus] ?? 0
  if (mask === 0) throw invalidArgument('invalid filter value', { filter: text.slice(0, 200) })
  return mask
}

/** The name of a single status bit; `undefined` when there is none. */
export function statusName (bits: number): TrackerStatus {
  return namesByBits.get(bits) ?? 'undefined'
}

const namesByBits = new Map(Object.entries(trackerStatuses).map(([name, bits]) => [bits as number, name as TrackerStatus]))

const {
  pin_error: pinError, pinning, pin_queued: pinQueued, unpin_error: unpinError, unpinning, unpin_queued: unpinQueued
} = trackerStatuses

/** What isn't done, or has failed. Every peer answers it out of its operations alone, whatever the size of the pinset; Go's too. */
export const unfinishedStatuses: StatusFilter = pinError | pinning | pinQueued | unpinError | unpinning | unpinQueued
