import type { BulkFilter, FileFilter } from '../../../../client/service/types.ts'
import type { Chosen } from './pending-changes.ts'

/** What is marked: some, or all that fit but some. */
export type Selection = { kind: 'some', cids: ReadonlySet<string> } | { kind: 'all', except: ReadonlySet<string> }

/** No file. */
export const nothing: Selection = { kind: 'some', cids: new Set() }
/** The service takes no more exceptions. */
const exceptionCount = 1000

/** Whether the selection has this file. */
export const isSelected = (selection: Selection, cid: string): boolean =>
  selection.kind === 'some' ? selection.cids.has(cid) : !selection.except.has(cid)

/** How many files it has, of a list of `total`. */
export const selectedCount = (selection: Selection, total: number): number =>
  selection.kind === 'some' ? selection.cids.size : Math.max(0, total - selection.except.size)

/** The selection with these files in it or out of it. */
export function toggled (selection: Selection, cids: readonly string[], to: boolean): Selection {
  const isAll = selection.kind === 'all'
  const set = new Set(isAll ? selection.except : selection.cids)
  for (const cid of cids) {
    if (to === isAll) set.delete(cid)
    else set.add(cid)
  }
  if (!isAll) return { kind: 'some', cids: set }
  return set.size > exceptionCount ? selection : { kind: 'all', except: set }
}

/** The selection as the API takes it. */
export function chosenOf (selection: Selection, { filter, total }: { filter: FileFilter, total: number }): Chosen {
  if (selection.kind === 'some') return { cids: selection.cids }
  const except = [...selection.except]
  const given: BulkFilter = except.length === 0 ? filter : { ...filter, except }
  return { filter: given, total }
}
