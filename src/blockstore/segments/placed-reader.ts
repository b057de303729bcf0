import { join } from 'node:path'
import { isClusterError } from '../../base/errors.ts'
import type { PlacedReader } from '../blockstore.ts'
import { diskFiles } from './files.ts'
import type { SegmentFiles } from './files.ts'
import { joinedRead } from './joined-read.ts'
import { QuickReads, usualQuickReads } from './quick-reads.ts'
import type { QuickReadsDeps } from './quick-reads.ts'
import { RecentChecks, usualChecks } from './recent-checks.ts'
import { ReadRoom } from './read-room.ts'
import { RecordReader } from './record-reader.ts'
import { SegmentFolder } from './segment-folder.ts'

export interface PlacedReaderInit {
  /** The store's. */
  folder: string
  /** Segment files that are kept open. Default 64. */
  openFiles?: number
}

export interface PlacedReaderDeps extends QuickReadsDeps { files?: SegmentFiles }

const bytesReadAtOnce = 8 * 1024 * 1024

/** Reads a segment store that another thread has open: its places come from there. Writes nothing. */
export function placedReader (
  { folder, openFiles = 64 }: PlacedReaderInit, { files = diskFiles, ...deps }: PlacedReaderDeps
): PlacedReader {
  const segments = new SegmentFolder({ folder: join(folder, 'segments'), openFiles }, files)
  const checks = new RecentChecks(usualChecks, deps)
  const quick = new QuickReads(usualQuickReads, deps)
  const records = new RecordReader({ folder: segments, room: new ReadRoom(bytesReadAtOnce), quick, checks })
  return {
    read: async (place, multihash, allocate = Buffer.allocUnsafeSlow) => {
      try {
        return await records.read(place, multihash, allocate)
      } catch (err) {
        // its segment was given back
        if (isClusterError(err, 'NOT_FOUND')) return undefined
        throw err
      }
    },
    joined: (blocks, allocate) => joinedRead(blocks, { records, allocate }),
    forget: async gone => { for (const id of gone) await segments.forget(id) },
    close: async () => segments.close()
  }
}
