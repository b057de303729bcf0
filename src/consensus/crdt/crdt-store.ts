import type { CID } from '../../model/cid.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Datastore, Write } from '../../datastore/datastore.ts'
import { blockKey, cidOfBlockKey, decodeCrdtBlock } from '../../wire/crdt-block.ts'
import type { CrdtBlock } from '../../wire/crdt-block.ts'
import type { Delta } from '../../wire/delta.ts'
import { cidOfPinKey } from '../../wire/pin-key.ts'
import type { PinsetChange } from '../consensus.ts'
import { moveFrontier } from './frontier.ts'
import type { FrontierMove, Head, Want } from './frontier.ts'
import * as layout from './layout.ts'
import { bestVersion, mergeDelta, tombstonedIds, versionIn } from './merge.ts'
import type { MergeEffects } from './merge.ts'
import { finishCleaning } from './maintenance.ts'
import { ValueChanges } from './value-changes.ts'
import { decodeValueRecord, emptyRecord } from './value-record.ts'
import type { Overlay, ValueRecord, Version } from './value-record.ts'

export interface CrdtStoreDeps { datastore: Datastore, log: Logger }

export interface ApplyOptions {
  /** True: wait for the disk. */
  sync: boolean
  /** Keys whose journal entry this block carries. */
  settled?: readonly string[]
}

const listsAtOnce = 32
const blocksKept = 8

/**
 * The CRDT on the disk: merges blocks, one atomic batch each. In memory only the edge of the DAG and the keys in the journal. Calls that write must
 * come one after the other (the owner's turns).
 */
export class CrdtStore {
  readonly heads = new Map<string, Head>()
  readonly wants = new Map<string, Want>()
  readonly journaled = new Set<string>()
  size = 0
  dirty = false
  readonly #deps: CrdtStoreDeps

  constructor (deps: CrdtStoreDeps) { this.#deps = deps }

  /** Reads the edge. Nothing here grows with the pinset. */
  async load (): Promise<void> {
    const { datastore } = this.#deps
    this.#forget()
    await checkLayout(datastore)
    await finishCleaning(datastore)
    for await (const rows of datastore.entries(layout.allHeads)) {
      for (const [record, value] of rows) this.heads.set(layout.idOf(record), { cid: cidOfBlockKey(layout.idOf(record)), priority: layout.numberOf(value) })
    }
    for await (const rows of datastore.entries(layout.allWants)) {
      for (const [record, value] of rows) this.wants.set(layout.idOf(record), { cid: cidOfBlockKey(layout.idOf(record)), root: layout.textOf(value) })
    }
    for await (const records of datastore.keys(layout.allJournal)) for (const record of records) this.journaled.add(layout.keyOf(record))
    this.size = layout.numberOf(datastore.get(layout.sizeRecord) ?? layout.numberBytes(0))
    this.dirty = datastore.has(layout.dirtyRecord)
  }

  /** True when the block has been merged. */
  isHere (id: string): boolean { return this.#deps.datastore.has(layout.mergedRecord(id)) }

  blockBytes (id: string): Uint8Array | undefined { return this.#deps.datastore.get(layout.blockRecord(id)) }

  /** The height of the highest head, 0 without any. */
  height (): number {
    let height = 0
    for (const { priority } of this.heads.values()) height = Math.max(height, priority)
    return height
  }

  record (key: string): ValueRecord {
    const bytes = this.#deps.datastore.get(layout.valueRecord(key))
    return bytes == null ? emptyRecord : decodeValueRecord(bytes)
  }

  /** The live versions of a key. */
  async liveVersions (key: string): Promise<Array<{ id: string, priority: number }>> {
    const versions: Array<{ id: string, priority: number }> = []
    for await (const rows of this.#deps.datastore.entries(layout.elementsOf(key))) {
      for (const [record, value] of rows) versions.push({ id: layout.idOf(record), priority: layout.numberOf(value) })
    }
    return versions
  }

  /** Merges a block unless that was done. Resolves with what changed for users. */
  async apply (block: CrdtBlock, { sync, settled = [] }: ApplyOptions): Promise<PinsetChange[]> {
    const id = blockKey(block.cid)
    if (this.isHere(id)) return []
    const { effects, values } = await this.#merged(block.delta, id)
    for (const key of settled) values.setOverlay(key, undefined)
    const move = moveFrontier(this, block, linked => this.isHere(linked))
    const { writes, changes, growth } = values.finish()
    const batch = [
      { key: layout.blockRecord(id), value: block.bytes },
      { key: layout.mergedRecord(id), value: new Uint8Array(0) },
      ...effectWrites(effects, id, block.delta.priority),
      ...writes,
      ...settled.map(key => ({ key: layout.journalRecord(key), value: undefined })),
      ...moveWrites(move),
      ...this.#sizeWrites(growth)
    ]
    await this.#deps.datastore.write(batch, { sync })
    this.#moved(move)
    for (const key of settled) this.journaled.delete(key)
    this.size += growth
    return changes
  }

  /** Puts changes into the journal, synced: they are shown from now on and wait for a block. undefined: nothing waits any more. */
  async journal (overlays: ReadonlyMap<string, Overlay | undefined>): Promise<PinsetChange[]> {
    const values = this.#valueChanges(new Map())
    const marks: Write[] = []
    for (const [key, overlay] of overlays) {
      values.setOverlay(key, overlay)
      marks.push({ key: layout.journalRecord(key), value: overlay == null ? undefined : new Uint8Array(0) })
    }
    const { writes, changes, growth } = values.finish()
    await this.#deps.datastore.write([...writes, ...marks, ...this.#sizeWrites(growth)], { sync: true })
    for (const [key, overlay] of overlays) {
      if (overlay == null) this.journaled.delete(key)
      else this.journaled.add(key)
    }
    this.size += growth
    return changes
  }

  /** Adds links whose blocks turned out to be missing. They will be merged again, which changes nothing where it was done before. */
  async addWants (wants: ReadonlyArray<[id: string, want: Want]>): Promise<void> {
    await this.#deps.datastore.write(wants.flatMap(([id, { root }]) => [
      { key: layout.wantRecord(id), value: layout.textBytes(root) },
      { key: layout.mergedRecord(id), value: undefined }
    ]))
    for (const [id, want] of wants) this.wants.set(id, want)
  }

  async setDirty (dirty: boolean): Promise<void> {
    await this.#deps.datastore.write([{ key: layout.dirtyRecord, value: dirty ? new Uint8Array(0) : undefined }], { sync: true })
    this.dirty = dirty
  }

  async #merged (delta: Delta, id: string): Promise<{ effects: MergeEffects, values: ValueChanges }> {
    const cids = new Map<string, CID | undefined>()
    const values = this.#valueChanges(cids)
    const isPinKey = (key: string): boolean => pinCid(cids, key) != null
    const survivors = await this.#survivors(tombstonedIds(delta, isPinKey))
    const effects = mergeDelta(delta, id, {
      isPinKey,
      current: key => this.record(key).version,
      isTombstoned: (key, blockId) => this.#deps.datastore.has(layout.tombstoneRecord(key, blockId)),
      survivor: key => survivors.get(key)
    })
    for (const [key, version] of effects.values) values.setVersion(key, version)
    return { effects, values }
  }

  #valueChanges (cids: Map<string, CID | undefined>): ValueChanges {
    return new ValueChanges({ record: key => this.record(key), cidOf: key => pinCid(cids, key) ?? unreachable(key) })
  }

  /** For each key the best version apart from these ids. */
  async #survivors (tombstoned: ReadonlyMap<string, ReadonlySet<string>>): Promise<Map<string, Version | undefined>> {
    const survivors = new Map<string, Version | undefined>()
    const deltas = new Map<string, Delta>()
    const keys = [...tombstoned]
    for (let at = 0; at < keys.length; at += listsAtOnce) {
      await Promise.all(keys.slice(at, at + listsAtOnce).map(async ([key, ids]) => {
        const left = (await this.liveVersions(key)).filter(({ id }) => !ids.has(id))
        survivors.set(key, await this.#bestOf(key, left, deltas))
      }))
    }
    return survivors
  }

  /** Only blocks of the greatest height can hold the best version. */
  async #bestOf (key: string, versions: ReadonlyArray<{ id: string, priority: number }>, deltas: Map<string, Delta>): Promise<Version | undefined> {
    const height = versions.reduce((most, { priority }) => Math.max(most, priority), 0)
    const highest = versions.filter(({ priority }) => priority === height)
    return bestVersion(highest.map(({ id }) => versionIn(this.#delta(id, deltas), key)))
  }

  #delta (id: string, known: Map<string, Delta>): Delta {
    const found = known.get(id)
    if (found != null) return found
    const bytes = this.blockBytes(id)
    if (bytes == null) throw new ClusterError('INVALID_DATA', { block: id }, { message: `the CRDT block ${id} has been lost from the datastore` })
    const { delta } = decodeCrdtBlock(cidOfBlockKey(id), bytes)
    if (known.size >= blocksKept) known.clear()
    known.set(id, delta)
    return delta
  }

  #sizeWrites (growth: number): Write[] {
    return growth === 0 ? [] : [{ key: layout.sizeRecord, value: layout.numberBytes(this.size + growth) }]
  }

  #moved ({ addHead, removeHeads, addWants, removeWant }: FrontierMove): void {
    for (const id of removeHeads) this.heads.delete(id)
    if (addHead != null) this.heads.set(blockKey(addHead.cid), addHead)
    if (removeWant != null) this.wants.delete(removeWant)
    for (const [id, want] of addWants) this.wants.set(id, want)
  }

  #forget (): void {
    this.heads.clear()
    this.wants.clear()
    this.journaled.clear()
  }
}

function pinCid (cids: Map<string, CID | undefined>, key: string): CID | undefined {
  if (!cids.has(key)) cids.set(key, cidOfPinKey(key))
  return cids.get(key)
}

function unreachable (key: string): never { throw new ClusterError('INTERNAL', { key }, { message: 'a key that is no pin key was to be written' }) }

function effectWrites ({ elements, tombstones }: MergeEffects, id: string, priority: number): Write[] {
  const height = layout.numberBytes(priority)
  return [
    ...tombstones.flatMap(({ key, id: void_ }) => [
      { key: layout.tombstoneRecord(key, void_), value: new Uint8Array(0) },
      { key: layout.elementRecord(key, void_), value: undefined }
    ]),
    ...elements.map(key => ({ key: layout.elementRecord(key, id), value: height }))
  ]
}

function moveWrites ({ addHead, removeHeads, addWants, removeWant }: FrontierMove): Write[] {
  return [
    ...removeHeads.map(id => ({ key: layout.headRecord(id), value: undefined })),
    ...(addHead == null ? [] : [{ key: layout.headRecord(blockKey(addHead.cid)), value: layout.numberBytes(addHead.priority) }]),
    ...(removeWant == null ? [] : [{ key: layout.wantRecord(removeWant), value: undefined }]),
    ...addWants.map(([id, { root }]) => ({ key: layout.wantRecord(id), value: layout.textBytes(root) }))
  ]
}

async function checkLayout (datastore: Datastore): Promise<void> {
  const stored = datastore.get(layout.layoutRecord)
  if (stored == null) return datastore.write([{ key: layout.layoutRecord, value: layout.numberBytes(layout.layoutVersion) }], { sync: true })
  const version = layout.numberOf(stored)
  if (version === layout.layoutVersion) return
  throw new ClusterError('UNSUPPORTED', { version, supported: layout.layoutVersion }, {
    message: `the pinset is stored in layout ${version}, this program knows ${layout.layoutVersion}: run a newer helia-cluster, or move the pinset` +
      ' with its `helia-cluster-service state export` and this one\'s `state import` into an empty folder'
  })
}
