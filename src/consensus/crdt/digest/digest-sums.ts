import { invalidBytes } from '../../../wire/protobuf.ts'
import { cellsPerRow, nameInRow, placeInRow, rowNameOf } from './cells.ts'
import type { DigestKey } from './digest-key.ts'
import { addPair, isZero, pinsIn, sumWords, wordBytes, wordsOf } from './sums.ts'
import type { Words } from './sums.ts'

/** A key's value before and after, as the CRDT has it; undefined: none. `wasUnreadable`: the disk had one before that can't be read. */
export interface PairChange { key: string, was: Uint8Array | undefined, is: Uint8Array | undefined, wasUnreadable?: boolean }

const formatVersion = 2
const edgeBytes = 32
const headBytes = 1 + edgeBytes
const recordBytes = headBytes + 4 * sumWords

/** The sums of a set of pairs: of all, and of each cell. */
export class DigestSums {
  readonly total: Words
  /** The sums of 32 cells each. A row's bytes are its record, so it never changes once it is written. */
  readonly rows = new Map<string, Words>()
  readonly #key: DigestKey
  /** Of a draft: where rows are copied from before they change. */
  readonly #base: ReadonlyMap<string, Words> | undefined

  constructor (key: DigestKey, base?: DigestSums) {
    this.#key = key
    this.#base = base?.rows
    this.total = base == null ? new Int32Array(sumWords) : base.total.slice()
  }

  get pins (): number { return pinsIn(this.total) }

  change ({ key, was, is }: PairChange): void {
    const name = rowNameOf(key)
    const row = this.rows.get(name) ?? this.#copied(name)
    const at = placeInRow(key, name) * sumWords
    if (was != null) this.#count({ row, at, by: -1, hash: this.#key.pair(key, was) })
    if (is != null) this.#count({ row, at, by: 1, hash: this.#key.pair(key, is) })
  }

  /** Takes the sums of a draft: some changes of these hold now. */
  take (draft: DigestSums): void {
    this.total.set(draft.total)
    for (const [name, row] of draft.rows) {
      if (isZero(row)) this.rows.delete(name)
      else this.rows.set(name, row)
    }
  }

  /** Cells that have pairs, by name: views. */
  * cells (): Generator<[name: string, sum: Words]> {
    for (const [name, row] of this.rows) {
      for (let place = 0; place < cellsPerRow; place++) {
        const sum = row.subarray(place * sumWords, (place + 1) * sumWords)
        if (!isZero(sum)) yield [nameInRow(name, place), sum]
      }
    }
  }

  isEqual (other: DigestSums): boolean { return this.total.every((word, at) => word === other.total[at]) }

  #copied (name: string): Words {
    const row = this.#base?.get(name)?.slice() ?? new Int32Array(cellsPerRow * sumWords)
    this.rows.set(name, row)
    return row
  }

  #count ({ row, at, by, hash }: { row: Words, at: number, by: 1 | -1, hash: Int32Array }): void {
    addPair(row, { at, by, hash })
    addPair(this.total, { at: 0, by, hash })
  }
}

/** The record of the sum of all: version, the heads and the key that it belongs to, sum. */
export function encodeTotal (total: Words, edge: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(recordBytes)
  bytes[0] = formatVersion
  bytes.set(edge, 1)
  bytes.set(wordBytes(total), headBytes)
  return bytes
}

/** Undefined for a record of another version or length. */
export function decodeTotal (record: Uint8Array): { total: Words, edge: Uint8Array } | undefined {
  if (record.length !== recordBytes || record[0] !== formatVersion) return undefined
  return { total: wordsOf(record.slice(headBytes)), edge: record.slice(1, headBytes) }
}

/** A row of cells as its record; undefined for an empty one, which has none. */
export const encodeRow = (row: Words): Uint8Array | undefined => isZero(row) ? undefined : wordBytes(row)

/** Throws INVALID_DATA. */
export function decodeRow (record: Uint8Array): Words {
  if (record.length !== 4 * cellsPerRow * sumWords) invalidBytes('a row of the digest has another length')
  return wordsOf(record)
}
