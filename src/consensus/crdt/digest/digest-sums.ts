import { invalidBytes } from '../../../wire/protobuf.ts'
import { cellOf } from './cells.ts'
import { add, cellWords, passingPairVector, subtract, vectorBytes, vectorOf, vectorWords } from './pair-vector.ts'
import type { Vector } from './pair-vector.ts'

/** A key's value before and after, as the CRDT has it; undefined: none. `wasUnreadable`: the disk had one before that can't be read. */
export interface PairChange { key: string, was: Uint8Array | undefined, is: Uint8Array | undefined, wasUnreadable?: boolean }

/**
 * Of a part of the pinset: how many pairs, and after them the first words of their sum. Its bytes are its record, so it never changes once
 * it is written.
 */
export type Cell = Vector

const formatVersion = 1
const headBytes = 1 + 8 + 32

/** The sums of a set of pairs: of all, and of each cell. */
export class DigestSums {
  pins = 0
  sum: Vector = new Uint32Array(vectorWords)
  readonly cells = new Map<string, Cell>()
  /** Of a draft: where cells are copied from before they change. */
  readonly #base: ReadonlyMap<string, Cell> | undefined

  constructor (base?: DigestSums) {
    this.#base = base?.cells
    if (base == null) return
    this.pins = base.pins
    this.sum = base.sum.slice()
  }

  change ({ key, was, is }: PairChange): void {
    const cell = this.#cellOf(key)
    if (was != null) this.#count(cell, -1, passingPairVector(key, was))
    if (is != null) this.#count(cell, 1, passingPairVector(key, is))
  }

  /** Takes the sums of a draft: some changes of these hold now. */
  take (draft: DigestSums): void {
    this.pins = draft.pins
    this.sum = draft.sum
    for (const [name, cell] of draft.cells) {
      if (isEmpty(cell)) this.cells.delete(name)
      else this.cells.set(name, cell)
    }
  }

  #cellOf (key: string): Cell {
    const name = cellOf(key)
    const known = this.cells.get(name)
    if (known != null) return known
    const base = this.#base?.get(name)
    const cell = base == null ? new Uint32Array(1 + cellWords) : base.slice()
    this.cells.set(name, cell)
    return cell
  }

  #count (cell: Cell, by: 1 | -1, vector: Vector): void {
    const move = by === 1 ? add : subtract
    move(this.sum, vector)
    move(cell, vector, 1)
    this.pins += by
    cell[0] = pinsIn(cell) + by
  }

  isEqual (other: DigestSums): boolean {
    return this.pins === other.pins && Buffer.compare(vectorBytes(this.sum), vectorBytes(other.sum)) === 0
  }
}

/** How many pins a cell counts. */
export const pinsIn = (cell: Cell): number => cell[0] as number
/** The sum of a cell's pins. A view, not a copy. */
export const sumIn = (cell: Cell): Vector => cell.subarray(1)

/** No pair is left. A sum that isn't zero then says that something was wrong before: it stays. */
const isEmpty = (cell: Cell): boolean => pinsIn(cell) === 0 && cell.every(word => word === 0)

/** The record of the sum of all: version, pairs, the heads that it belongs to, sum. */
export function encodeSum ({ pins, sum }: Pick<DigestSums, 'pins' | 'sum'>, edge: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(headBytes + 4 * vectorWords)
  bytes[0] = formatVersion
  bytes.writeDoubleLE(pins, 1)
  bytes.set(edge, 9)
  bytes.set(vectorBytes(sum), headBytes)
  return bytes
}

/** Undefined for a record of another version or length. */
export function decodeSum (record: Uint8Array): { pins: number, sum: Vector, edge: Uint8Array } | undefined {
  if (record.length !== headBytes + 4 * vectorWords || record[0] !== formatVersion) return undefined
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.length)
  return { pins: bytes.readDoubleLE(1), edge: record.slice(9, headBytes), sum: vectorOf(record.subarray(headBytes)) }
}

/** A cell as its row; undefined for an empty one, which has none. */
export const encodeCell = (cell: Cell): Uint8Array | undefined => isEmpty(cell) ? undefined : vectorBytes(cell)

/** Throws INVALID_DATA. */
export function decodeCell (record: Uint8Array): Cell {
  if (record.length !== 4 + 4 * cellWords) invalidBytes('a cell of the digest has another length')
  return vectorOf(record)
}
