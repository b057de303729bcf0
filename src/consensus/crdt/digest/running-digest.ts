import { createHash } from 'node:crypto'
import { Listeners } from '../../../base/listeners.ts'
import type { Logger } from '../../../base/log.ts'
import type { Datastore, Write } from '../../../datastore/datastore.ts'
import * as layout from '../layout.ts'
import { readableRecord } from '../value-record.ts'
import type { DigestKey } from './digest-key.ts'
import { decodeRow, decodeTotal, DigestSums, encodeRow, encodeTotal } from './digest-sums.ts'
import type { PairChange } from './digest-sums.ts'
import type { Words } from './sums.ts'

export interface RunningDigestDeps { datastore: Datastore, key: DigestKey, log: Logger }

/** Ids of the heads that the digest is to belong to. Read more than once. */
export type HeadIds = Iterable<string>

/** What repairs a value of the pinset that only this peer has lost. */
export const pinsetRemedy = '`helia-cluster-ctl health diff THIS-PEER ANOTHER --repair`'
const rowsPerSlice = 1000
const rowsPerWrite = 1000

/**
 * The digest of the pinset as it is on the disk: changes with each batch, and is counted anew, slice by slice, when there is none or it is
 * to be checked. Calls that change it must come one after the other (the owner's turns).
 */
export class RunningDigest {
  readonly key: DigestKey
  readonly #deps: RunningDigestDeps
  #sums: DigestSums | undefined
  /** Sums of the rows up to `cursor`, and which of these can't be read: they don't count, and so differ from what others have. */
  #count: { sums: DigestSums, cursor: string, unreadable: Set<string> } | undefined
  /** Keys whose values could not be read at the last count, and so aren't in the sums. */
  #without = new Set<string>()
  readonly #lost = new Listeners<void>()

  constructor (deps: RunningDigestDeps) {
    this.#deps = deps
    this.key = deps.key
  }

  /** Reads what the last run left. None when it isn't of these heads, or made with another key. */
  async load (heads: HeadIds): Promise<void> {
    this.#sums = undefined
    this.#count = undefined
    const { datastore } = this.#deps
    const record = datastore.get(layout.digestRecord)
    if (record == null && isEmpty(heads)) return void (this.#sums = new DigestSums(this.key))
    const stored = record == null ? undefined : decodeTotal(record)
    if (stored == null || Buffer.compare(stored.edge, this.#edgeOf(heads)) !== 0) return
    const sums = new DigestSums(this.key)
    sums.total.set(stored.total)
    for await (const records of datastore.entries(layout.allCells)) {
      for (const [name, row] of records) sums.rows.set(layout.pinKeyOf(name), decodeRow(row))
    }
    this.#sums = sums
  }

  /** Calls back when the digest isn't known any more. Gives the function that ends that. */
  onLost (listener: () => void): () => void { return this.#lost.add(listener) }

  get isKnown (): boolean { return this.#sums != null }
  get isCounting (): boolean { return this.#count != null }

  /** Undefined while it isn't known. */
  total (): { pins: number, digest: string } | undefined {
    return this.#sums == null ? undefined : { pins: this.#sums.pins, digest: this.key.told(this.#sums.total) }
  }

  /** Cells that have pairs, with their sums; none while it isn't known. */
  cells (): Iterable<[name: string, sum: Words]> { return this.#sums?.cells() ?? [] }

  /** What a batch with these changes writes. `commit`: it is written. */
  draft (changes: readonly PairChange[], heads: HeadIds): { writes: Write[], commit: () => void } {
    // what is damaged on the disk was counted before or not: nobody knows with what value
    const isLost = this.#sums != null && changes.some(({ key, wasUnreadable }) => wasUnreadable === true && !this.#without.has(key))
    const draft = this.#sums == null || isLost ? undefined : new DigestSums(this.key, this.#sums)
    for (const change of changes) draft?.change(change)
    return {
      writes: isLost
        ? [{ key: layout.digestRecord, value: undefined }]
        : draft == null
        ? []
        : [{ key: layout.digestRecord, value: encodeTotal(draft.total, this.#edgeOf(heads)) }, ...rowWrites(draft.rows)],
      commit: () => {
        if (draft != null) this.#sums?.take(draft)
        for (const change of changes) this.#countAlso(change)
        if (isLost) this.#lose()
      }
    }
  }

  /** A change of what is counted already; of what was damaged since, all is counted again. */
  #countAlso (change: PairChange): void {
    if (change.wasUnreadable === true) this.#without.delete(change.key)
    const count = this.#count
    if (count == null || change.key > count.cursor) return
    if (change.wasUnreadable === true && !count.unreadable.delete(change.key)) this.beginCount()
    else count.sums.change(change)
  }

  #lose (): void {
    this.#sums = undefined
    this.#lost.emit()
  }

  beginCount (): void { this.#count = { sums: new DigestSums(this.key), cursor: '', unreadable: new Set() } }

  /** Counts some more rows. True when there are no more. */
  async countSlice (): Promise<boolean> {
    const count = this.#count
    if (count == null) return true
    const from = count.cursor === '' ? layout.allValues.from : `${layout.valueRecord(count.cursor)}\0`
    let rowsSeen = 0
    for await (const rows of this.#deps.datastore.entries({ from, before: layout.allValues.before })) {
      for (const [record, bytes] of rows) {
        const key = layout.pinKeyOf(record)
        const stored = readableRecord(bytes)
        if (stored == null) count.unreadable.add(key)
        else count.sums.change({ key, was: undefined, is: stored.version?.value })
        count.cursor = key
      }
      rowsSeen += rows.length
      if (rowsSeen >= rowsPerSlice) return false
    }
    return true
  }

  /** Writes what was counted. Resolves with whether it was what was known; true when nothing was. */
  async endCount (heads: HeadIds): Promise<boolean> {
    const { datastore } = this.#deps
    const { sums: counted, unreadable } = this.#count ?? { sums: new DigestSums(this.key), unreadable: new Set<string>() }
    this.#count = undefined
    if (unreadable.size > 0) this.#deps.log.error(`${unreadable.size} values of the pinset can not be read. The other peers have them: ${pinsetRemedy}`)
    const wasRight = this.#sums?.isEqual(counted) ?? true
    if (this.#sums == null || !wasRight) {
      await datastore.write([{ key: layout.digestRecord, value: undefined }])
      for await (const names of datastore.keys(layout.allCells)) await datastore.write(names.map(key => ({ key, value: undefined })))
      const writes = rowWrites(counted.rows)
      for (let at = 0; at < writes.length; at += rowsPerWrite) await datastore.write(writes.slice(at, at + rowsPerWrite))
      // last: without it the others don't count
      await datastore.write([{ key: layout.digestRecord, value: encodeTotal(counted.total, this.#edgeOf(heads)) }])
    }
    this.#sums = counted
    this.#without = unreadable
    return wasRight
  }

  #edgeOf (heads: HeadIds): Uint8Array {
    return createHash('sha256').update(this.key.id).update([...heads].toSorted().join('')).digest()
  }
}

const rowWrites = (rows: ReadonlyMap<string, Words>): Write[] =>
  [...rows].map(([name, row]) => ({ key: layout.cellsRecord(name), value: encodeRow(row) }))

/** Without heads there is no value, and values of the journal don't count. */
function isEmpty (heads: HeadIds): boolean {
  for (const _ of heads) return false
  return true
}
