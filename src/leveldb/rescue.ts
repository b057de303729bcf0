import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isThere, syncPath } from '../base/files.ts'
import type { Fault, FoundRow, Inspection } from './store-files.ts'
import { foundRows } from './store-files.ts'

/** A new store that is being filled. */
export interface FreshStore {
  write (rows: readonly FoundRow[]): Promise<void>
  /** With everything on the disk. */
  close (): Promise<void>
}

export interface RescueInit {
  folder: string
  /** Where the damaged files go. */
  keptAt: string
  /** True for a row out of damaged bytes that is known to be right all the same. */
  proven (row: FoundRow): boolean
}

/** What came of a rescue. `doubtful`: rows out of damaged bytes that were left behind. */
export interface Rescued { rows: number, doubtful: number }

/** Where the rows of a damaged store are brought together. */
export const rescueFolder = (folder: string): string => `${folder}.rescue`

/**
 * Makes a new store of all rows that can be read from a damaged one, puts the damaged files aside and the new store in their place. `fresh`
 * opens an empty store in `rescueFolder`; `report` adds rows about what was found. Broken off anywhere, it begins again (`finishRescue`).
 */
export async function rescue (
  init: RescueInit, inspection: Pick<Inspection, 'tables' | 'logs'>, fresh: () => Promise<FreshStore>,
  report: (rescued: Rescued) => FoundRow[]
): Promise<Rescued> {
  const { folder, keptAt, proven } = init
  const target = rescueFolder(folder)
  await rm(target, { recursive: true, force: true })
  const store = await fresh()
  const rescued: Rescued = { rows: 0, doubtful: 0 }
  try {
    for await (const rows of foundRows(folder, inspection)) {
      const good = rows.filter(row => row.intact || proven(row))
      rescued.rows += good.length
      rescued.doubtful += rows.length - good.length
      if (good.length > 0) await store.write(good)
    }
    await store.write(report(rescued))
  } finally {
    await store.close()
  }
  await rename(folder, keptAt)
  await rename(target, folder)
  await syncPath(dirname(folder))
  return rescued
}

/**
 * Before a store is opened: goes on with a rescue that was cut off between its renames; true when that made the store. One that was cut off
 * before begins again.
 */
export async function finishRescue (folder: string): Promise<boolean> {
  const target = rescueFolder(folder)
  if (!await isThere(target)) return false
  if (!await isThere(folder)) {
    await rename(target, folder)
    return true
  }
  await rm(target, { recursive: true, force: true })
  return false
}

/** The first three faults for people, in one line: the files and what is wrong with them. */
export const faultsText = (faults: readonly Fault[]): string =>
  faults.slice(0, 3).map(({ file, what }) => `${file}: ${what}`).join('; ') + (faults.length > 3 ? '; …' : '')
