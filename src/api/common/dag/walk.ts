import type { CID } from 'multiformats/cid'
import { hashKey } from '../../../blockstore/map-key.ts'
import type { Block } from '../../../blockstore/blockstore.ts'
import type { DagReader, GetBlock, ReadAhead } from '../../../ipfs/dag-reader.ts'
import { nextLink, quietly, unlimitedAhead } from '../../../ipfs/dag-reader.ts'

export interface WalkDeps {
  reader: DagReader
  get: GetBlock
  /** Who says how much may be read ahead. Without one: `readAhead` blocks. */
  room?: ReadAhead
}

/** Blocks that are asked for ahead, and the room that each is thought to need: nobody knows before it is here. */
const readAhead = 32
const usualBytes = 256 * 1024

/** Blocks between two looks whether the set of seen blocks has room. */
const blocksPerRoom = 1024

/**
 * The blocks of a DAG, depth first, parents before children, each once; with `repeats` as often as it is linked. In bounded memory whatever
 * the DAG.
 */
export async function * walk (
  root: CID, { reader, get, room = unlimitedAhead }: WalkDeps, { repeats = false }: { repeats?: boolean } = {}
): AsyncGenerator<Block, void, undefined> {
  const seen = reader.seenBlocks()
  const waiting = reader.waitingLinks(get)
  const ahead = new Map<string, Promise<Uint8Array>>()
  let blocks = 0
  try {
    for (let cid: CID | undefined = root; cid != null; cid = (await nextLink(waiting))?.cid) {
      if (!repeats && !seen.add(cid.multihash.bytes)) continue
      if (++blocks % blocksPerRoom === 0) await seen.room()
      for (const next of waiting.upcoming(readAhead)) {
        const nextKey = hashKey(next)
        if (ahead.size >= readAhead || seen.has(next.multihash.bytes) || ahead.has(nextKey) || !room.tryTake(usualBytes)) continue
        ahead.set(nextKey, quietly(get(next)))
      }
      const key = hashKey(cid)
      const bytes = await (ahead.get(key) ?? get(cid))
      if (ahead.delete(key)) room.give(usualBytes)
      yield { cid, bytes }
      waiting.push({ cid, bytes }, -1)
      await waiting.room()
    }
  } finally {
    room.give(ahead.size * usualBytes)
    await waiting.close()
    await seen.close()
  }
}
