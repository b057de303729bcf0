import { rmSync } from 'node:fs'
import type { Random } from '../../../base/clock.ts'
import type { DagReader } from '../../dag-reader.ts'
import type { WalkScratch } from '../repository/repository.ts'
import { PendingLinks } from '../walk/pending-links.ts'
import { walkScratch } from '../walk/scratch.ts'
import { findEntry, listEntries, readNode } from './directory.ts'
import { fileSize } from './file-parts.ts'
import { fileBlocks, readFile } from './file.ts'

export interface DagReaderInit {
  /** For what walks can't hold in memory; emptied when it is first needed. */
  folder: string
}

/** The readers of the embedded node's DAGs, for the APIs. */
export function dagReader ({ folder }: DagReaderInit, deps: { random: Random }): DagReader {
  let made: WalkScratch | undefined
  const scratch = (): WalkScratch => {
    if (made == null) rmSync(folder, { recursive: true, force: true })
    return made ??= walkScratch({ folder }, deps)
  }
  return {
    readNode,
    findEntry,
    listEntries,
    fileSize,
    readFile,
    fileBlocks,
    waitingLinks: (get, options = {}) =>
      new PendingLinks({ ...options, memoryBytes: () => scratch().pendingBytes() }, { stack: scratch().stack(), read: get }),
    seenBlocks: () => scratch().blocks()
  }
}
