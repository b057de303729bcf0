import type { AccountStatus } from '../../../client/service/types.ts'

/** How many files and pins there are, by what the user can make of it. */
export interface PinCounts {
  pinned: number
  underWay: number
  stored: number
  unpinned: number
  failed: number
  /** Without what is only stored, or no longer pinned. */
  pins: number
}

/** Files and pins of the command line together, as the list of files has them. */
export function pinCounts (
  { files_by_state: files, pins_by_status: pins }: Pick<AccountStatus, 'files_by_state' | 'pins_by_status'>
): PinCounts {
  const pinned = (files.pinned ?? 0) + (pins.pinned ?? 0)
  const underWay = (files.importing ?? 0) + (files.pinning ?? 0) + (pins.queued ?? 0) + (pins.pinning ?? 0)
  const failed = (files.failed ?? 0) + (pins.failed ?? 0)
  return { pinned, underWay, failed, stored: files.staged ?? 0, unpinned: files.unpinned ?? 0, pins: pinned + underWay + failed }
}
