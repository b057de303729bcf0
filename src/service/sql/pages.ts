import type { ClusterError } from '../../base/errors.ts'
import { invalidArgument } from '../../base/errors.ts'

/** What a list is sorted by; rows of one value stand in the order of their IDs. */
export interface Sort<Column extends string = string> { by: Column, descending: boolean }

/** One page out of up to `limit + 1` rows: the first `limit`, and the cursor of the page behind them; null: there is none. */
export function pageOf<Row> (rows: readonly Row[], limit: number, cursorOf: (last: Row) => string): { page: Row[], next: string | null } {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { page, next: rows.length > limit && last != null ? cursorOf(last) : null }
}

/** The place behind a row of a list that is sorted by a column: the row's value in it, and its ID. */
export const sortCursor = ({ by, descending }: Sort, value: string | number, id: string): string =>
  Buffer.from(JSON.stringify([by, descending ? 1 : 0, value, id])).toString('base64url')

/** Reads what `sortCursor` gave. INVALID_ARGUMENT for a cursor of another list, or of another sort. */
export function placeInSort (
  cursor: string, { by, descending }: Sort, valueType: 'string' | 'number'
): { value: string | number, id: string } {
  try {
    const [sort, isDescending, value, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    const isValue = valueType === 'string' ? typeof value === 'string' : Number.isSafeInteger(value)
    if (sort === by && isDescending === (descending ? 1 : 0) && isValue && typeof id === 'string') {
      return { value: value as string | number, id }
    }
  } catch { /* no cursor of ours */ }
  throw foreignCursor(cursor)
}

/** The place behind a row of a list that has the newest first. `at`: Unix milliseconds. */
export const timeCursor = (at: number, id: string): string => `${at}.${id}`

/** Reads what `timeCursor` gave. `idForm`: all of what an ID of this list looks like. INVALID_ARGUMENT for anything else. */
export function placeInTime (cursor: string, idForm: RegExp): { at: number, id: string } {
  const [, at, id] = /^(\d{1,15})\.(.*)$/s.exec(cursor) ?? []
  if (at == null || id == null || !idForm.test(id)) throw foreignCursor(cursor)
  return { at: Number(at), id }
}

const foreignCursor = (cursor: string): ClusterError =>
  invalidArgument('the cursor is not one of this list', { cursor: cursor.slice(0, 100) })
