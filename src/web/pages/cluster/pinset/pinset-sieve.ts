import { useEffect, useRef, useState } from 'preact/hooks'
import { pageClock } from '../../../data/page-clock.ts'
import { Slices } from '../../../data/slices.ts'
import type { SlicesDeps } from '../../../data/slices.ts'
import { matches } from './pinset-rows.ts'
import type { PinFilter, PinRow } from './pinset-rows.ts'

/** Which rows, and in which order. */
export interface RowsView extends PinFilter { order: 'stored' | 'newest' }

const isAll = ({ text, peer, order }: RowsView): boolean => text === '' && peer === '' && order === 'stored'

/** So many are looked at between two looks at the clock. */
const stride = 512

/**
 * What a filter leaves of a list, in the order that is asked for. Looks a list of millions through in slices, and only at what is new when
 * the list has grown.
 */
export class PinsetSieve {
  readonly #clock: SlicesDeps
  #filter = ''
  #first: PinRow | undefined
  /** How many were looked at, and the last of them. */
  #count = 0
  #last: PinRow | undefined
  #found: PinRow[] = []

  constructor (clock: SlicesDeps) { this.#clock = clock }

  /** The list itself when nothing is asked for. Rejects with the signal's reason. */
  async rows (rows: readonly PinRow[], view: RowsView, signal: AbortSignal): Promise<readonly PinRow[]> {
    if (isAll(view)) return rows
    const slices = new Slices(this.#clock, signal)
    const filter = JSON.stringify([view.text, view.peer])
    if (filter !== this.#filter || !this.#hasOnlyGrown(rows)) this.#begin(filter, rows)
    for (let at = this.#count; at < rows.length; at = this.#count) {
      this.#found.push(...rows.slice(at, at + stride).filter(row => matches(row, view)))
      this.#count = Math.min(rows.length, at + stride)
      this.#last = rows[this.#count - 1]
      if (slices.isOver) await slices.rest()
    }
    return view.order === 'newest' ? newestFirst(this.#found, slices) : this.#found.slice()
  }

  #begin (filter: string, rows: readonly PinRow[]): void {
    this.#filter = filter
    this.#first = rows[0]
    this.#count = 0
    this.#last = undefined
    this.#found = []
  }

  #hasOnlyGrown (rows: readonly PinRow[]): boolean {
    return this.#count <= rows.length && rows[0] === this.#first && rows[this.#count - 1] === this.#last
  }
}

/** By merging: a sort of millions in one go holds up everything else. */
async function newestFirst (rows: readonly PinRow[], slices: Slices): Promise<readonly PinRow[]> {
  let runs: Array<readonly PinRow[]> = []
  for (let at = 0; at < rows.length; at += stride) {
    runs.push(rows.slice(at, at + stride).toSorted((a, b) => b.addedMs - a.addedMs))
    if (slices.isOver) await slices.rest()
  }
  while (runs.length > 1) {
    const merged: Array<readonly PinRow[]> = []
    for (let at = 0; at < runs.length; at += 2) merged.push(await merge(runs[at] ?? [], runs[at + 1] ?? [], slices))
    runs = merged
  }
  return runs[0] ?? []
}

async function merge (one: readonly PinRow[], other: readonly PinRow[], slices: Slices): Promise<readonly PinRow[]> {
  if (other.length === 0) return one
  const merged: PinRow[] = []
  let [at, otherAt] = [0, 0]
  while (at < one.length || otherAt < other.length) {
    const isOne = otherAt >= other.length || (one[at]?.addedMs ?? -Infinity) >= (other[otherAt]?.addedMs ?? -Infinity)
    merged.push((isOne ? one[at++] : other[otherAt++]) as PinRow)
    if (merged.length % stride === 0 && slices.isOver) await slices.rest()
  }
  return merged
}

/** The rows of such a view; those of before until they are found. */
export function useSieved (rows: readonly PinRow[], view: RowsView): readonly PinRow[] {
  const sieve = useRef<PinsetSieve | null>(null)
  const [found, setFound] = useState<{ key: string, rows: readonly PinRow[] }>({ key: '', rows })
  const shown = useRef(rows)
  const key = JSON.stringify(view)
  useEffect(() => {
    if (isAll(view)) return undefined
    const stop = new AbortController()
    sieve.current ??= new PinsetSieve(pageClock)
    sieve.current.rows(rows, view, stop.signal).then(rows => setFound({ key, rows }), () => {}) // another question came
    return () => stop.abort()
  }, [rows, key])
  if (isAll(view)) shown.current = rows
  else if (found.key === key) shown.current = found.rows
  return shown.current
}
