import { mapKey } from '../map-key.ts'
import type { LevelRow } from '../self-repairing-level.ts'
import type { Place, SegmentRow } from './place.ts'
import { encodePlace, encodeSegmentRow, noSegmentRow, samePlace, segmentKey } from './place.ts'
import { recordLength } from './record.ts'

interface Stored {
  find (multihash: Uint8Array): Place | undefined
  row (id: number): Readonly<SegmentRow> | undefined
}

/**
 * Changes of block places, gathered for one batch, with the segment rows that follow from them. Pure: touches no disk but through `stored`.
 */
export class IndexChange {
  readonly #stored: Stored
  readonly #places = new Map<string, { multihash: Uint8Array, place: Place | undefined }>()
  readonly #segments = new Map<number, SegmentRow | undefined>()

  constructor (stored: Stored) { this.#stored = stored }

  find (multihash: Uint8Array): Place | undefined {
    const changed = this.#places.get(mapKey(multihash))
    return changed == null ? this.#stored.find(multihash) : changed.place
  }

  /** A new record is the block's, unless the block has one already: then it is dead from the beginning. */
  put (multihash: Uint8Array, place: Place): void {
    this.#grow(place, multihash)
    if (this.find(multihash) == null) this.#set(multihash, place)
  }

  /** A copied record replaces the one it was copied from, if that is still the block's. */
  move (multihash: Uint8Array, places: { from: Place, to: Place }): void {
    this.#grow(places.to, multihash)
    if (!this.deleteAt(multihash, places.from)) return
    this.#set(multihash, places.to)
  }

  delete (multihash: Uint8Array): void {
    const place = this.find(multihash)
    if (place != null) this.deleteAt(multihash, place)
  }

  /** Deletes the block if this is its place. */
  deleteAt (multihash: Uint8Array, place: Place): boolean {
    const now = this.find(multihash)
    if (now == null || !samePlace(now, place)) return false
    const row = this.#row(now.segment)
    row.liveBytes -= recordLength(multihash.length, now.length)
    row.liveBlocks--
    this.#places.set(mapKey(multihash), { multihash, place: undefined })
    return true
  }

  /** Sets what is known of a segment; creates its row. */
  setSegment (id: number, facts: Partial<SegmentRow>): void { Object.assign(this.#row(id), facts) }

  hasSegment (id: number): boolean {
    return this.#segments.has(id) ? this.#segments.get(id) != null : this.#stored.row(id) != null
  }

  /** Forgets a segment that has no live blocks; false when it has some. */
  dropSegment (id: number): boolean {
    if (this.#row(id).liveBlocks > 0) return false
    this.#segments.set(id, undefined)
    return true
  }

  segments (): ReadonlyMap<number, SegmentRow | undefined> { return this.#segments }

  rows (): LevelRow[] {
    const rows: LevelRow[] = []
    for (const { multihash, place } of this.#places.values()) {
      rows.push(place == null ? { type: 'del', key: multihash } : { type: 'put', key: multihash, value: encodePlace(place) })
    }
    for (const [id, row] of this.#segments) {
      rows.push(row == null ? { type: 'del', key: segmentKey(id) } : { type: 'put', key: segmentKey(id), value: encodeSegmentRow(row) })
    }
    return rows
  }

  #set (multihash: Uint8Array, place: Place): void {
    this.#places.set(mapKey(multihash), { multihash, place })
    const row = this.#row(place.segment)
    row.liveBytes += recordLength(multihash.length, place.length)
    row.liveBlocks++
  }

  #grow (place: Place, multihash: Uint8Array): void {
    const row = this.#row(place.segment)
    row.sizeBytes = Math.max(row.sizeBytes, place.offset + recordLength(multihash.length, place.length))
  }

  #row (id: number): SegmentRow {
    let row = this.#segments.get(id)
    if (row == null) {
      row = { ...(this.#stored.row(id) ?? noSegmentRow) }
      this.#segments.set(id, row)
    }
    return row
  }
}
