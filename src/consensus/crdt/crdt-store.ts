import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { CID } from '../../model/cid.ts'
import type { Logger } from '../../base/log.ts'
import type { Datastore, Write } from '../../datastore/datastore.ts'
import { blockKey, cidOfBlockKey } from '../../wire/crdt-block.ts'
import type { CrdtBlock } from '../../wire/crdt-block.ts'
import type { StoredPin } from '../../wire/pin.ts'
import { cidOfPinKey } from '../../wire/pin-key.ts'
import type { PinsetChange } from '../consensus.ts'
import { MergeBatch, noPinKey, storedRecord } from './merge-batch.ts'
import { DigestKey } from './digest/digest-key.ts'
import { RunningDigest } from './digest/running-digest.ts'
import type { Head, MissingBlock } from './frontier.ts'
import * as layout from './layout.ts'
import { MergedOnDisk } from './merged-on-disk.ts'
import { finishCleaning } from './maintenance.ts'
import { damageText, pinsetDamageOf, rebuildIfDamaged } from './rebuild.ts'
import type { PinsetDamage } from './rebuild.ts'
import { ValueChanges } from './value-changes.ts'
import type { Overlay, ValueRecord, Version } from './value-record.ts'

export interface CrdtStoreDeps {
  datastore: Datastore
  /** Default: that of a cluster without a secret. Of another one the digest isn't known then. */
  digestKey?: DigestKey
  log: Logger
}

export interface ApplyOptions {
  /** True: wait for the disk. */
  sync: boolean
  /** Keys whose journal entry this block carries. */
  unjournaled?: readonly string[]
  /** What elements of these blocks say, by key: who has made them need not decode them. */
  pins?: ReadonlyMap<string, StoredPin>
}

/**
 * The CRDT on the disk: merges blocks, one atomic batch each. In memory only the edge of the DAG and the keys in the journal. Calls that
 * write must come one after the other (the owner's mutex).
 */
export class CrdtStore {
  readonly heads = new Map<string, Head>()
  readonly missing = new Map<string, MissingBlock>()
  readonly journaled = new Set<string>()
  /** Changes in the journal that an earlier run left, made for certain live versions only: these versions, by key. */
  readonly conditions = new Map<string, readonly layout.LiveVersion[]>()
  readonly digest: RunningDigest
  readonly merged: MergedOnDisk
  size = 0
  dirty = false
  /** Damage that users are still to be told of. */
  damage: PinsetDamage | undefined
  readonly #deps: CrdtStoreDeps

  constructor (deps: CrdtStoreDeps) {
    this.#deps = deps
    this.digest = new RunningDigest({ ...deps, key: deps.digestKey ?? new DigestKey(undefined) })
    this.merged = new MergedOnDisk(deps.datastore)
  }

  /** Reads the edge. Nothing here grows with the pinset. */
  async load (): Promise<void> {
    const { datastore } = this.#deps
    this.#forget()
    await checkLayout(datastore)
    await finishCleaning(datastore)
    const isRebuilt = await rebuildIfDamaged(datastore, this.#deps.log)
    for await (const rows of datastore.entries(layout.allHeads)) {
      for (const [record, value] of rows) {
        this.heads.set(layout.idOf(record), { cid: cidOfBlockKey(layout.idOf(record)), priority: layout.numberOf(value) })
      }
    }
    await this.digest.load(this.heads.keys())
    for await (const rows of datastore.entries(layout.allMissing)) {
      for (const [record, value] of rows) {
        this.missing.set(layout.idOf(record), { cid: cidOfBlockKey(layout.idOf(record)), root: layout.textOf(value) })
      }
    }
    for await (const rows of datastore.entries(layout.allJournal)) for (const row of rows) this.#loadJournaled(row)
    this.size = layout.numberOf(datastore.get(layout.sizeRecord) ?? layout.numberBytes(0))
    this.dirty = datastore.has(layout.dirtyRecord)
    this.damage = pinsetDamageOf(datastore)
    if (this.damage != null && !isRebuilt) {
      this.#deps.log.warn(
        `the pinset was damaged at ${this.damage.at} and has been rebuilt: ${damageText(this.damage)}`, { keptAt: this.damage.keptAt }
      )
    }
  }

  /** Nothing is left to be told: everything that trusted peers have is here. */
  async forgetDamage (): Promise<void> {
    await this.#deps.datastore.write([{ key: layout.damagedRecord, value: undefined }], { sync: true })
    this.damage = undefined
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

  /** Heads whose branches are all here, as far as is known. */
  completeHeads (): CID[] {
    const incomplete = new Set<string>()
    for (const { root } of this.missing.values()) incomplete.add(root)
    return [...this.heads].filter(([id]) => !incomplete.has(id)).map(([, { cid }]) => cid)
  }

  record (key: string): ValueRecord { return storedRecord(this.#deps.datastore, key) }

  /** The live versions of a key. */
  async liveVersions (key: string): Promise<layout.LiveVersion[]> {
    const versions: layout.LiveVersion[] = []
    for await (const rows of this.#deps.datastore.entries(layout.elementsOf(key))) {
      for (const [record, value] of rows) versions.push({ id: layout.idOf(record), priority: layout.numberOf(value) })
    }
    return versions
  }

  /** Merges a block unless that was done. Resolves with what changed for users. */
  async apply (block: CrdtBlock, options: ApplyOptions): Promise<PinsetChange[]> { return this.applyAll([block], options) }

  /**
   * Merges blocks in this order, in one atomic batch: afterwards all is as if they had been merged one by one. Those that are here are
   * passed over. Resolves with what changed for users in the end. Rejects with INVALID_DATA, and marks the store dirty, when a stored block
   * that it needs is gone or damaged.
   */
  async applyAll (blocks: readonly CrdtBlock[], { sync, unjournaled = [], pins }: ApplyOptions): Promise<PinsetChange[]> {
    const fresh = blocks.filter(({ cid }) => !this.isHere(blockKey(cid)))
    if (fresh.length === 0) return []
    const batch = new MergeBatch({ datastore: this.#deps.datastore, heads: this.heads, missing: this.missing, pins })
    try {
      for (const block of fresh) await batch.merge(block)
    } catch (err) {
      // a stored block that was needed is gone or damaged: the check finds it, and it is fetched again
      if (isClusterError(err, 'INVALID_DATA') && err.details.block != null && !this.dirty) await this.setDirty(true)
      throw err
    }
    for (const key of unjournaled) batch.values.setOverlay(key, undefined)
    const { writes, changes, growth, pairs } = batch.values.finish()
    const digest = this.digest.draft(pairs, batch.heads.keys())
    const journal = unjournaled.map(key => ({ key: layout.journalRecord(key), value: undefined }))
    await this.#deps.datastore.write(
      [...batch.writes(), ...writes, ...digest.writes, ...journal, ...this.#sizeWrites(growth)],
      { sync, frees: fresh.some(({ delta }) => delta.tombstones.length > 0) }
    )
    batch.commit()
    digest.commit()
    for (const key of unjournaled) this.#unjournaled(key)
    this.size += growth
    if (!sync) this.merged.note()
    return changes
  }

  /** Writes values that were derived anew, with the records that they stand on. Resolves with what changed for users. */
  async repairValues (versions: ReadonlyMap<string, Version | undefined>, records: readonly Write[]): Promise<PinsetChange[]> {
    const values = this.#values({ isRepair: true })
    for (const [key, version] of versions) values.setVersion(key, version)
    const { writes, changes, growth, pairs } = values.finish()
    const digest = this.digest.draft(pairs, this.heads.keys())
    await this.#deps.datastore.write([...records, ...writes, ...digest.writes, ...this.#sizeWrites(growth)], { sync: true })
    digest.commit()
    this.size += growth
    return changes
  }

  #values (how: { isRepair?: boolean } = {}): ValueChanges { return new ValueChanges({
    ...how,
    record: key => this.record(key), cidOf: key => cidOfPinKey(key) ?? noPinKey(key),
    hasRow: key => this.#deps.datastore.has(layout.rowRecord(key))
  }) }

  /**
   * Puts changes into the journal, synced: they are shown from now on and wait for a block. undefined: nothing waits any more. With each
   * goes what it is to void or to be above: the disk may lose these versions before the block is made. `conditional`: keys whose changes
   * are made for what is live now, or was when the change before them was made for that.
   */
  async journal (overlays: ReadonlyMap<string, Overlay | undefined>, conditional: ReadonlySet<string> = none): Promise<PinsetChange[]> {
    const values = this.#values()
    const marks: Write[] = []
    for (const [key, overlay] of overlays) {
      values.setOverlay(key, overlay)
      const value = overlay == null ? undefined : await this.#journalBytes(key, overlay, conditional.has(key))
      marks.push({ key: layout.journalRecord(key), value })
    }
    const { writes, changes, growth, pairs } = values.finish()
    // only where what was there is damaged on the disk
    const digest = pairs.length === 0 ? undefined : this.digest.draft(pairs, this.heads.keys())
    await this.#deps.datastore.write(
      [...writes, ...marks, ...digest?.writes ?? [], ...this.#sizeWrites(growth)],
      { sync: true, frees: [...overlays.values()].some(overlay => overlay?.remove !== false) }
    )
    digest?.commit()
    for (const [key, overlay] of overlays) {
      this.#unjournaled(key)
      if (overlay != null) this.journaled.add(key)
    }
    this.size += growth
    return changes
  }

  /** Adds links whose blocks turned out to be missing. They will be merged again, which changes nothing where it was done before. */
  async addMissing (missing: ReadonlyArray<[id: string, block: MissingBlock]>): Promise<void> {
    await this.#deps.datastore.write(missing.flatMap(([id, { root }]) => [
      { key: layout.missingRecord(id), value: layout.textBytes(root) },
      { key: layout.mergedRecord(id), value: undefined }
    ]))
    for (const [id, block] of missing) this.missing.set(id, block)
  }

  async setDirty (dirty: boolean): Promise<void> {
    await this.#deps.datastore.write([{ key: layout.dirtyRecord, value: dirty ? new Uint8Array(0) : undefined }], { sync: true })
    this.dirty = dirty
  }

  #loadJournaled ([record, value]: readonly [string, Uint8Array]): void {
    const key = layout.pinKeyOf(record)
    this.journaled.add(key)
    if (layout.isConditionalChange(value)) this.conditions.set(key, layout.versionsUnder(value))
  }

  #unjournaled (key: string): void {
    this.journaled.delete(key)
    this.conditions.delete(key)
  }

  async #journalBytes (key: string, overlay: Overlay, isConditional: boolean): Promise<Uint8Array> {
    const known = isConditional ? this.#deps.datastore.get(layout.journalRecord(key)) : undefined
    return known != null && layout.isConditionalChange(known) ? known : layout.journalBytes(await this.#under(key, overlay), isConditional)
  }

  async #under (key: string, { remove }: Overlay): Promise<layout.LiveVersion[]> {
    return remove || this.record(key).version != null ? this.liveVersions(key) : []
  }

  #sizeWrites (growth: number): Write[] {
    return growth === 0 ? [] : [{ key: layout.sizeRecord, value: layout.numberBytes(this.size + growth) }]
  }

  #forget (): void {
    this.heads.clear()
    this.missing.clear()
    this.journaled.clear()
    this.conditions.clear()
  }
}

const none: ReadonlySet<string> = new Set()

async function checkLayout (datastore: Datastore): Promise<void> {
  const stored = datastore.get(layout.layoutRecord)
  if (stored == null) {
    return datastore.write([{ key: layout.layoutRecord, value: layout.numberBytes(layout.layoutVersion) }], { sync: true })
  }
  const version = layout.numberOf(stored)
  if (version === layout.layoutVersion) return
  throw new ClusterError('UNSUPPORTED', { version, supported: layout.layoutVersion }, {
    message: `the pinset is stored in layout ${version}, this program knows ${layout.layoutVersion}: run a newer helia-cluster, or move the pinset` +
      ' with its `helia-cluster-service state export` and this one\'s `state import` into an empty folder'
  })
}
