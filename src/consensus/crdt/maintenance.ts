import type { CID } from '../../model/cid.ts'
import { cidOfBlockKey, decodeCrdtBlock } from '../../wire/crdt-block.ts'
import type { CrdtBlock } from '../../wire/crdt-block.ts'
import type { Datastore, Write } from '../../datastore/datastore.ts'
import * as layout from './layout.ts'
import { pinsetDamageOf } from './rebuild.ts'
import type { PinsetDamage } from './rebuild.ts'

/** What `state crdt info` prints. `missing`: linked blocks that aren't here. */
export interface CrdtInfo { heads: CID[], height: number, dirty: boolean, missing: number, size: number, damage: PinsetDamage | undefined }

/**
 * Looks at and tends a CRDT whose peer doesn't run: the `state` commands. The datastore must be started.
 */
export async function crdtInfo (datastore: Datastore): Promise<CrdtInfo> {
  const info: CrdtInfo = {
    heads: [], height: 0, dirty: datastore.has(layout.dirtyRecord), missing: 0, size: 0, damage: pinsetDamageOf(datastore)
  }
  for await (const rows of datastore.entries(layout.allHeads)) {
    for (const [record, value] of rows) {
      info.heads.push(cidOfBlockKey(layout.idOf(record)))
      info.height = Math.max(info.height, layout.numberOf(value))
    }
  }
  for await (const records of datastore.keys(layout.allMissing)) info.missing += records.length
  info.size = layout.numberOf(datastore.get(layout.sizeRecord) ?? layout.numberBytes(0))
  return { ...info, dirty: info.dirty || info.missing > 0 }
}

/** All blocks of the DAG, in no particular order. A damaged block throws INVALID_DATA. */
export async function * crdtBlocks (datastore: Datastore): AsyncIterable<CrdtBlock> {
  for await (const records of datastore.keys(layout.allBlocks)) {
    for (const record of records) {
      const bytes = datastore.get(record)
      if (bytes != null) yield decodeCrdtBlock(cidOfBlockKey(layout.idOf(record)), bytes)
    }
  }
}

/** Asks for a full check at the next start. */
export async function markDirty (datastore: Datastore): Promise<void> {
  await datastore.write([{ key: layout.dirtyRecord, value: new Uint8Array(0) }], { sync: true })
}

/** Takes the request back, and what was still to be told of repaired damage. Blocks that are known to be missing stay known. */
export async function markClean (datastore: Datastore): Promise<void> {
  await datastore.write([layout.dirtyRecord, layout.damagedRecord].map(deletion), { sync: true })
}

/** Removes the pinset and its whole history from this peer. When it is cut off, the next start finishes it. */
export async function cleanCrdt (datastore: Datastore): Promise<void> {
  await datastore.write([{ key: layout.cleaningRecord, value: new Uint8Array(0) }], { sync: true })
  await finishCleaning(datastore)
}

/** Goes on with a removal that was begun; does nothing without one. */
export async function finishCleaning (datastore: Datastore): Promise<void> {
  if (!datastore.has(layout.cleaningRecord)) return
  for (const range of layout.allData) {
    for await (const records of datastore.keys(range)) await datastore.write(records.map(deletion))
  }
  await datastore.write(
    [layout.sizeRecord, layout.digestRecord, layout.dirtyRecord, layout.damagedRecord, layout.cleaningRecord].map(deletion), { sync: true }
  )
}

const deletion = (key: string): Write => ({ key, value: undefined })
