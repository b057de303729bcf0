import { blockKey } from '../../wire/crdt-block.ts'
import type { CrdtBlock } from '../../wire/crdt-block.ts'
import type { Want } from './frontier.ts'

interface Known { blockBytes (id: string): Uint8Array | undefined, readonly wants: ReadonlyMap<string, Want> }

const wantsPerBatch = 500

/** Links of stored blocks that are neither here nor on record as missing, in batches. */
export async function * findMissing (blocks: AsyncIterable<CrdtBlock>, known: Known): AsyncIterable<Array<[id: string, want: Want]>> {
  let batch = new Map<string, Want>()
  for await (const block of blocks) {
    for (const cid of block.links) {
      const id = blockKey(cid)
      if (!known.wants.has(id) && known.blockBytes(id) == null) batch.set(id, { cid, root: blockKey(block.cid) })
    }
    if (batch.size < wantsPerBatch) continue
    yield [...batch]
    batch = new Map()
  }
  if (batch.size > 0) yield [...batch]
}
