import { isClusterError } from '../../base/errors.ts'
import type { Allocate, JoinedRead } from '../blockstore.ts'
import { recordLength } from './record.ts'
import type { PlacedBlock, RecordReader } from './record-reader.ts'

/** More is left for the next read: two buffers for each block go to one system call. */
const mostBlocks = 512

export interface JoinedReadDeps {
  records: Pick<RecordReader, 'readJoined'>
  allocate?: Allocate | undefined
}

/**
 * Reads the first of these blocks in one go, as far as their records lie one right behind the other. Undefined when there aren't even two.
 */
export function joinedRead (
  blocks: Iterable<PlacedBlock>, { records, allocate = Buffer.allocUnsafeSlow }: JoinedReadDeps
): JoinedRead | undefined {
  const joined: PlacedBlock[] = []
  for (const block of blocks) {
    const last = joined.at(-1)
    if (last != null && !isBehind(last, block)) break
    joined.push(block)
    if (joined.length === mostBlocks) break
  }
  if (joined.length < 2) return undefined
  return {
    count: joined.length,
    read: async () => {
      try {
        return await records.readJoined(joined, allocate)
      } catch (err) {
        // its segment was given back
        if (isClusterError(err, 'NOT_FOUND')) return undefined
        throw err
      }
    }
  }
}

const isBehind = ({ place, multihash }: PlacedBlock, next: PlacedBlock): boolean =>
  next.place.segment === place.segment && next.place.offset === place.offset + recordLength(multihash.length, place.length)
