import { readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Logger } from '../../base/log.ts'

export interface LeftoversInit {
  /** The peer's folder, locked by the caller: nobody else writes in it. */
  folder: string
  /** Files that are written by way of a draft beside them, see `replaceFile`. */
  files: readonly string[]
}

/** What begins the name of a store for one answer; six characters follow. */
export const temporaryPrefix = 'tmp-'

/**
 * Where readers of the embedded node's DAGs go on when their memory is used up. Each thread of the gateway has one of its own:
 * `temporary-1`, …
 */
export const walkFolder = 'temporary'
const isWalkFolder = (name: string): boolean => name === walkFolder || /^temporary-\d{1,2}$/.test(name)

/**
 * Removes what killed processes have left: stores that were to live for one answer, and drafts of files that were never renamed. Never
 * rejects.
 */
export async function removeLeftovers ({ folder, files }: LeftoversInit, { log }: { log: Logger }): Promise<void> {
  const temporary = await namesIn(
    folder, name => isWalkFolder(name) || (name.startsWith(temporaryPrefix) && name.length === temporaryPrefix.length + 6)
  )
  const drafts = await Promise.all(files.map(async file => namesIn(dirname(file), name => isDraftOf(basename(file), name))))
  for (const path of [...temporary, ...drafts.flat()]) {
    try {
      await rm(path, { recursive: true, force: true })
      log.info('files of a killed process were removed', { path })
    } catch (err) {
      log.warn('files of a killed process could not be removed', { path, err })
    }
  }
}

async function namesIn (folder: string, isLeftover: (name: string) => boolean): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter(isLeftover).map(name => join(folder, name))
}

const isDraftOf = (file: string, name: string): boolean => name.startsWith(`${file}.`) && /^\d+\.tmp$/.test(name.slice(file.length + 1))
