import type { CID } from 'multiformats/cid'
import type { Block } from '../../../blockstore/blockstore.ts'
import type { DagReader, GetBlock, ReadAhead } from '../../../ipfs/dag-reader.ts'

export interface WalkDeps {
  reader: DagReader
  get: GetBlock
  /** Who says how much may be read ahead. Without one: `readAhead` blocks. */
  room?: ReadAhead
}

/** Blocks whose like is remembered: beyond that a block that comes twice may be given twice. 34 bytes and an entry each. */
const remembered = 500_000
/** Blocks that are asked for ahead, and the room that each is thought to need: nobody knows before it is here. */
const readAhead = 32
const usualBytes = 256 * 1024
const unlimited: ReadAhead = { tryTake: () => true, give: () => {} }

/** The blocks of a DAG, depth first, parents before children, each once; with `repeats` as often as it is linked. */
export async function * walk (root: CID, { reader, get, room = unlimited }: WalkDeps, { repeats = false }: { repeats?: boolean } = {}): AsyncGenerator<Block, void, undefined> {
  const seen = new Set<string>()
  /** Lists of siblings, the next one last. */
  const levels: CID[][] = [[root]]
  const ahead = new Map<string, Promise<Uint8Array>>()
  const ask = (cid: CID): Promise<Uint8Array> => {
    const asked = get(cid)
    asked.catch(() => {}) // told when its turn comes
    return asked
  }
  try {
    for (let level = levels.at(-1); level != null; level = levels.at(-1)) {
      const cid = level.pop()
      if (cid == null) {
        levels.pop()
        continue
      }
      const key = keyOf(cid)
      if (!repeats && seen.has(key)) continue
      if (!repeats && seen.size < remembered) seen.add(key)
      for (const next of level.slice(-readAhead)) {
        const nextKey = keyOf(next)
        if (ahead.size < readAhead && !seen.has(nextKey) && !ahead.has(nextKey) && room.tryTake(usualBytes)) ahead.set(nextKey, ask(next))
      }
      const bytes = await (ahead.get(key) ?? get(cid))
      if (ahead.delete(key)) room.give(usualBytes)
      yield { cid, bytes }
      const links = reader.linksOf({ cid, bytes })
      if (links.length > 0) levels.push(links.toReversed())
    }
  } finally {
    room.give(ahead.size * usualBytes)
  }
}

export const keyOf = ({ multihash }: CID): string => Buffer.from(multihash.bytes).toString('latin1')
