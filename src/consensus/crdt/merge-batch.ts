import { batchesOf } from '../../base/batches.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Datastore, Write } from '../../datastore/datastore.ts'
import type { CID } from '../../model/cid.ts'
import { blockKey, cidOfBlockKey, decodeCrdtBlock } from '../../wire/crdt-block.ts'
import type { CrdtBlock } from '../../wire/crdt-block.ts'
import type { Delta } from '../../wire/delta.ts'
import type { StoredPin } from '../../wire/pin.ts'
import { cidOfPinKey } from '../../wire/pin-key.ts'
import { moveFrontier } from './frontier.ts'
import type { Head, MissingBlock } from './frontier.ts'
import * as layout from './layout.ts'
import { bestVersion, mergeDelta, tombstonedIds, versionIn } from './merge.ts'
import type { MergeEffects } from './merge.ts'
import { isIntact } from './repair.ts'
import { ValueChanges } from './value-changes.ts'
import { emptyRecord, readableRecord, unreadableRecord } from './value-record.ts'
import type { ValueRecord, Version } from './value-record.ts'

export interface MergeBatchDeps {
  datastore: Datastore
  heads: Map<string, Head>
  missing: Map<string, MissingBlock>
  /** See `ApplyOptions`. */
  pins?: ReadonlyMap<string, StoredPin> | undefined
}

/** The versions that a block brought and voided. */
interface MergedVersions { id: string, priority: number, effects: Pick<MergeEffects, 'tombstones' | 'elements'> }

const listsAtOnce = 64
const blocksKept = 8
const mark = new Uint8Array(0)

/**
 * Blocks that are merged one after the other and written together. Each sees what those before it in the batch did, so that the result is
 * that of as many single merges; only what users would have seen in between is left out. Nothing changes outside until `commit`.
 */
export class MergeBatch {
  readonly heads: MapDraft<Head>
  readonly missing: MapDraft<MissingBlock>
  readonly values: ValueChanges
  readonly #datastore: Datastore
  readonly #pins: ReadonlyMap<string, StoredPin> | undefined
  /** Records that wait to be written and are looked for: blocks, marks and voids. */
  readonly #records = new Map<string, Uint8Array>()
  /** Those of versions, in the order in which they came and went. */
  readonly #versionWrites: Write[] = []
  /** What each block has done to versions. */
  readonly #merged: MergedVersions[] = []
  /** The versions of the first so many of them, by key of the pin: only removals ask for these. */
  readonly #versions = new Map<string, Array<{ id: string, priority: number | undefined }>>()
  #indexed = 0
  readonly #cids = new Map<string, CID | undefined>()

  constructor ({ datastore, heads, missing, pins }: MergeBatchDeps) {
    this.#datastore = datastore
    this.#pins = pins
    this.heads = new MapDraft(heads)
    this.missing = new MapDraft(missing)
    this.values = new ValueChanges({
      record: key => storedRecord(datastore, key), cidOf: key => this.#pinCid(key) ?? noPinKey(key), pins,
      hasRow: key => datastore.has(layout.rowRecord(key))
    })
  }

  /** True when the block has been merged, also when only in this batch. */
  isHere (id: string): boolean { return this.#has(layout.mergedRecord(id)) }

  /** Merges a block unless that was done. */
  async merge (block: CrdtBlock): Promise<void> {
    const id = blockKey(block.cid)
    if (this.isHere(id)) return
    const effects = await this.#effects(block.delta, id)
    this.#move(block)
    this.#records.set(layout.blockRecord(id), block.bytes)
    this.#records.set(layout.mergedRecord(id), mark)
    for (const { key, id: void_ } of effects.tombstones) {
      this.#records.set(layout.tombstoneRecord(key, void_), mark)
      this.#versionWrites.push({ key: layout.elementRecord(key, void_), value: undefined })
    }
    const { priority } = block.delta
    const value = layout.numberBytes(priority)
    for (const key of effects.elements) this.#versionWrites.push({ key: layout.elementRecord(key, id), value })
    this.#merged.push({ id, priority, effects })
    for (const [key, version] of effects.values) this.values.setVersion(key, version)
  }

  /** All writes but those of the values. */
  * writes (): Generator<Write> {
    for (const [key, value] of this.#records) yield { key, value }
    yield * this.#versionWrites
    for (const [id, head] of this.heads.changes()) {
      yield { key: layout.headRecord(id), value: head == null ? undefined : layout.numberBytes(head.priority) }
    }
    for (const [id, block] of this.missing.changes()) {
      yield { key: layout.missingRecord(id), value: block == null ? undefined : layout.textBytes(block.root) }
    }
  }

  /** The batch is written: the edge of the DAG moves. */
  commit (): void {
    this.heads.commit()
    this.missing.commit()
  }

  async #effects (delta: Delta, id: string): Promise<MergeEffects> {
    const isPinKey = (key: string): boolean => this.#pinCid(key) != null
    const survivors = await this.#survivors(tombstonedIds(delta, isPinKey))
    return mergeDelta(delta, id, {
      isPinKey,
      current: key => this.values.current(key).version,
      isTombstoned: (key, blockId) => this.#has(layout.tombstoneRecord(key, blockId)),
      survivor: key => survivors.get(key)
    })
  }

  #move (block: CrdtBlock): void {
    const { addHead, removeHeads, addMissing, removeMissing } = moveFrontier(this, block, linked => this.isHere(linked))
    for (const head of removeHeads) this.heads.set(head, undefined)
    if (addHead != null) this.heads.set(blockKey(addHead.cid), addHead)
    if (removeMissing != null) this.missing.set(removeMissing, undefined)
    for (const [id, block] of addMissing) this.missing.set(id, block)
  }

  /** The versions of a key that came and went in this batch. */
  #versionsOf (key: string): ReadonlyArray<{ id: string, priority: number | undefined }> {
    for (; this.#indexed < this.#merged.length; this.#indexed++) this.#index(this.#merged[this.#indexed] as MergedVersions)
    return this.#versions.get(key) ?? []
  }

  #index ({ id, priority, effects }: MergedVersions): void {
    for (const { key, id: void_ } of effects.tombstones) this.#indexOne(key, { id: void_, priority: undefined })
    for (const key of effects.elements) this.#indexOne(key, { id, priority })
  }

  #indexOne (key: string, version: { id: string, priority: number | undefined }): void {
    const versions = this.#versions.get(key)
    if (versions == null) this.#versions.set(key, [version])
    else versions.push(version)
  }

  /** For each key the best version apart from these ids. */
  async #survivors (tombstoned: ReadonlyMap<string, ReadonlySet<string>>): Promise<Map<string, Version | undefined>> {
    const survivors = new Map<string, Version | undefined>()
    const deltas = new Map<string, Delta>()
    for (const lists of batchesOf([...tombstoned], listsAtOnce)) {
      await Promise.all(lists.map(async ([key, ids]) => {
        const left = await this.#liveVersions(key)
        for (const id of ids) left.delete(id)
        survivors.set(key, this.#bestOf(key, left, deltas))
      }))
    }
    return survivors
  }

  async #liveVersions (key: string): Promise<Map<string, number>> {
    const versions = new Map<string, number>()
    for await (const rows of this.#datastore.entries(layout.elementsOf(key))) {
      for (const [record, value] of rows) versions.set(layout.idOf(record), layout.numberOf(value))
    }
    for (const { id, priority } of this.#versionsOf(key)) {
      if (priority == null) versions.delete(id)
      else versions.set(id, priority)
    }
    return versions
  }

  /** Only blocks of the greatest height can hold the best version. */
  #bestOf (key: string, versions: ReadonlyMap<string, number>, deltas: Map<string, Delta>): Version | undefined {
    let height = 0
    for (const priority of versions.values()) height = Math.max(height, priority)
    const highest = [...versions].filter(([, priority]) => priority === height)
    return bestVersion(highest.map(([id]) => versionIn(this.#delta(id, deltas), key)))
  }

  #delta (id: string, known: Map<string, Delta>): Delta {
    const found = known.get(id)
    if (found != null) return found
    const record = layout.blockRecord(id)
    const bytes = this.#records.get(record) ?? this.#datastore.get(record)
    if (bytes == null || !isIntact(id, bytes)) {
      throw new ClusterError('INVALID_DATA', { block: id }, { message: `the CRDT block ${id} is lost from the datastore, or damaged` })
    }
    const { delta } = decodeCrdtBlock(cidOfBlockKey(id), bytes)
    if (known.size >= blocksKept) known.clear()
    known.set(id, delta)
    return delta
  }

  /** For records that a batch only ever adds. */
  #has (record: string): boolean { return this.#records.has(record) || this.#datastore.has(record) }

  #pinCid (key: string): CID | undefined {
    const known = this.#pins?.get(key)?.pin.cid ?? this.#cids.get(key)
    if (known != null || this.#cids.has(key)) return known
    const cid = cidOfPinKey(key)
    this.#cids.set(key, cid)
    return cid
  }
}

/**
 * What the disk has of a key: its version and, with batching, the change that waits for its block. Empty for an unknown key, and for what
 * can't be read (`unreadableRecord`): the next version takes its place.
 */
export function storedRecord (datastore: Datastore, key: string): ValueRecord {
  const bytes = datastore.get(layout.valueRecord(key))
  return bytes == null ? emptyRecord : readableRecord(bytes) ?? unreadableRecord
}

/** Throws INTERNAL: only keys of pins are written. */
export function noPinKey (key: string): never {
  throw new ClusterError('INTERNAL', { key }, { message: 'a key that is no pin key was to be written' })
}

/** Changes to a map that hold only once they are committed; reads see them. */
class MapDraft<T> {
  readonly #base: Map<string, T>
  readonly #changes = new Map<string, T | undefined>()

  constructor (base: Map<string, T>) { this.#base = base }

  has (id: string): boolean { return this.#changes.has(id) ? this.#changes.get(id) != null : this.#base.has(id) }
  get (id: string): T | undefined { return this.#changes.has(id) ? this.#changes.get(id) : this.#base.get(id) }
  set (id: string, value: T | undefined): void { this.#changes.set(id, value) }

  * keys (): Generator<string> {
    for (const id of this.#base.keys()) if (this.has(id)) yield id
    for (const [id, value] of this.#changes) if (value != null && !this.#base.has(id)) yield id
  }

  /** What differs from the map: what came and went meanwhile is left out. */
  * changes (): Generator<[id: string, value: T | undefined]> {
    for (const [id, value] of this.#changes) if (value != null || this.#base.has(id)) yield [id, value]
  }

  commit (): void {
    for (const [id, value] of this.#changes) {
      if (value == null) this.#base.delete(id)
      else this.#base.set(id, value)
    }
    this.#changes.clear()
  }
}
