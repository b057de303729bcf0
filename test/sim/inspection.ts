import { silentLogger } from '../../src/base/log.ts'
import { CrdtStore } from '../../src/consensus/crdt/crdt-store.ts'
import * as layout from '../../src/consensus/crdt/layout.ts'
import type { Datastore } from '../../src/datastore/datastore.ts'
import type { CrdtBlock } from '../../src/wire/crdt-block.ts'
import { blockKey, cidOfBlockKey, decodeCrdtBlock } from '../../src/wire/crdt-block.ts'
import type { SimDisk } from '../support/sim-disk.ts'

/** What a peer's disk holds of the CRDT. */
export interface Inspection { store: CrdtStore, blocks: Map<string, CrdtBlock>, datastore: Datastore }

/** Decoded blocks of all peers of a world, by block key. */
export type KnownBlocks = Map<string, CrdtBlock>

const signal = new AbortController().signal

export async function inspect (disk: SimDisk, known: KnownBlocks): Promise<Inspection> {
  const datastore = disk.view()
  await datastore.start(signal)
  const store = new CrdtStore({ datastore, log: silentLogger })
  await store.load()
  return { store, datastore, blocks: await blocksOf(datastore, known) }
}

/** The block keys of the versions of a key that are not void. */
export async function liveIds (disk: SimDisk, key: string): Promise<string[]> {
  const datastore = disk.view()
  await datastore.start(signal)
  return (await new CrdtStore({ datastore, log: silentLogger }).liveVersions(key)).map(({ id }) => id)
}

/** Links of stored blocks that are not merged: [id of the missing block, whether it is on record]. */
export async function missingLinks (disk: SimDisk, known: KnownBlocks): Promise<Array<[id: string, isOnRecord: boolean]>> {
  const datastore = disk.view()
  await datastore.start(signal)
  const missing = new Map<string, boolean>()
  for (const { links } of (await blocksOf(datastore, known)).values()) {
    for (const link of links) {
      const id = blockKey(link)
      if (!datastore.has(layout.mergedRecord(id))) missing.set(id, datastore.has(layout.missingRecord(id)))
    }
  }
  return [...missing]
}

async function blocksOf (datastore: Datastore, known: KnownBlocks): Promise<Map<string, CrdtBlock>> {
  const blocks = new Map<string, CrdtBlock>()
  for await (const rows of datastore.entries(layout.allBlocks)) {
    for (const [record, bytes] of rows) {
      const id = layout.idOf(record)
      const block = known.get(id) ?? decodeCrdtBlock(cidOfBlockKey(id), bytes)
      known.set(id, block)
      blocks.set(id, block)
    }
  }
  return blocks
}

/** Blocks that no other links. */
export function tips (blocks: ReadonlyMap<string, CrdtBlock>): string[] {
  const linked = new Set<string>()
  for (const { links } of blocks.values()) for (const link of links) linked.add(blockKey(link))
  return [...blocks.keys()].filter(id => !linked.has(id)).toSorted()
}

/**
 * The values that a set of blocks makes, worked out without any order: what no block tombstones counts, the highest block wins, then the
 * greater bytes. A second opinion on the merge. (Right for deltas with one element per key, which is all that peers of ours write.)
 */
export function valuesOf (blocks: ReadonlyMap<string, CrdtBlock>): Map<string, Uint8Array> {
  const gone = goneIn(blocks)
  const best = new Map<string, { priority: number, value: Uint8Array }>()
  for (const [id, { delta }] of blocks) {
    for (const { key, value } of delta.elements) {
      if (gone.has(`${key}${id}`)) continue
      const other = best.get(key)
      const wins = other == null || delta.priority > other.priority || (
        delta.priority === other.priority && Buffer.compare(value, other.value) > 0
      )
      if (wins) best.set(key, { priority: delta.priority, value })
    }
  }
  return new Map(Array.from(best, ([key, { value }]) => [key, value]))
}

/**
 * True for the key of an item that came back as it once was: it was unpinned by a peer that had its newest version and missed an older one.
 * Peers merge a head before what is under it, ours and Go's, and an unpin voids only what is known.
 */
export function cameBack (blocks: ReadonlyMap<string, CrdtBlock>, key: string): boolean {
  const gone = goneIn(blocks)
  const newest = { live: 0, gone: 0 }
  for (const [id, { delta }] of blocks) {
    if (!delta.elements.some(element => element.key === key)) continue
    const fate = gone.has(`${key}${id}`) ? 'gone' : 'live'
    newest[fate] = Math.max(newest[fate], delta.priority)
  }
  return newest.gone > newest.live
}

function goneIn (blocks: ReadonlyMap<string, CrdtBlock>): Set<string> {
  const gone = new Set<string>()
  for (const { delta } of blocks.values()) for (const { key, id } of delta.tombstones) gone.add(`${key}${id}`)
  return gone
}
