import type { CID } from 'multiformats/cid'
import type { Block } from '../../../blockstore/blockstore.ts'
import type { DagReader, GetBlock } from '../../../ipfs/dag-reader.ts'

export interface WalkDeps { reader: DagReader, get: GetBlock }

/** Blocks whose like is remembered: beyond that a block that comes twice may be given twice. 34 bytes and an entry each. */
const remembered = 500_000
/** Blocks that are asked for ahead. */
const readAhead = 32

/** The blocks of a DAG, depth first, parents before children, each once. */
export async function * walk (root: CID, { reader, get }: WalkDeps): AsyncGenerator<Block, void, undefined> {
  const seen = new Set<string>()
  /** Lists of siblings, the next one last. */
  const levels: CID[][] = [[root]]
  const ahead = new Map<string, Promise<Uint8Array>>()
  const ask = (cid: CID): Promise<Uint8Array> => {
    const asked = get(cid)
    asked.catch(() => {}) // told when its turn comes
    return asked
  }
  for (let level = levels.at(-1); level != null; level = levels.at(-1)) {
    const cid = level.pop()
    if (cid == null) {
      levels.pop()
      continue
    }
    const key = keyOf(cid)
    if (seen.has(key)) continue
    if (seen.size < remembered) seen.add(key)
    for (const next of level.slice(-readAhead)) {
      const nextKey = keyOf(next)
      if (ahead.size < readAhead && !seen.has(nextKey) && !ahead.has(nextKey)) ahead.set(nextKey, ask(next))
    }
    const bytes = await (ahead.get(key) ?? get(cid))
    ahead.delete(key)
    yield { cid, bytes }
    const links = reader.linksOf({ cid, bytes })
    if (links.length > 0) levels.push(links.toReversed())
  }
}

export const keyOf = ({ multihash }: CID): string => Buffer.from(multihash.bytes).toString('latin1')
