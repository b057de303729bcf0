import { batchesOf } from '../../base/batches.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import { blockKey, cidOfBlockKey, crdtCid, isBlockKey, readableCrdtBlock } from '../../wire/crdt-block.ts'
import type { MissingBlock } from './frontier.ts'
import * as layout from './layout.ts'

/** What the check compares the disk with. `blocks`: the datastore of the CRDT. */
export interface Checked { blocks: Pick<Datastore, 'get' | 'entries' | 'keys'>, missing: ReadonlyMap<string, MissingBlock> }

/** A block that has to be fetched again, by its block key. */
export type LostBlock = [id: string, block: MissingBlock]

const blocksPerBatch = 500

/** True when the bytes of a block are there and are what its CID says. */
export function isIntact (id: string, bytes: Uint8Array | undefined): boolean {
  return bytes != null && blockKey(crdtCid(bytes)) === id
}

/** True for the bytes of a block under its own hash, wherever they were found. */
export const isProvenRow = (record: string, bytes: Uint8Array): boolean =>
  record.startsWith('b/') && isBlockKey(layout.idOf(record)) && isIntact(layout.idOf(record), bytes)

/**
 * Looks through the whole DAG for blocks that have to be fetched, in batches: linked or merged ones whose bytes are gone, and those whose
 * bytes are damaged.
 * What is on record as missing is left out.
 */
export async function * findLost (checked: Checked): AsyncIterable<LostBlock[]> {
  for await (const rows of checked.blocks.entries(layout.allBlocks)) yield * batchesOf(lostAt(rows, checked), blocksPerBatch)
  // a damaged block hides its links, a head that is gone is linked by nobody: what was merged is looked up by itself
  for await (const records of checked.blocks.keys(layout.allMerged)) {
    yield * batchesOf(records.flatMap(record => mergedAndGone(layout.idOf(record), checked)), blocksPerBatch)
  }
}

function lostAt (rows: ReadonlyArray<readonly [record: string, bytes: Uint8Array]>, checked: Checked): LostBlock[] {
  const lost = new Map<string, MissingBlock>()
  for (const [record, bytes] of rows) {
    const id = layout.idOf(record)
    const block = isIntact(id, bytes) ? readableCrdtBlock(cidOfBlockKey(id), bytes) : undefined
    if (block != null) {
      for (const cid of block.links) if (isGone(blockKey(cid), checked)) lost.set(blockKey(cid), { cid, root: id })
    } else if (!isIntact(id, bytes) && !checked.missing.has(id)) lost.set(id, { cid: cidOfBlockKey(id), root: id })
  }
  return [...lost]
}

const mergedAndGone = (id: string, checked: Checked): LostBlock[] => isGone(id, checked) ? [[id, { cid: cidOfBlockKey(id), root: id }]] : []
const isGone = (id: string, { blocks, missing }: Checked): boolean => !missing.has(id) && blocks.get(layout.blockRecord(id)) == null
