import { sql } from 'kysely'
import { pageOf, placeInSort, sortCursor } from '../sql/pages.ts'
import type { Sort } from '../sql/pages.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { UserRow } from '../sql/tables.ts'

/** What users are sorted by. Who was never seen was seen before everybody else. */
export const userSorts = ['email', 'used_bytes', 'last_seen_at', 'created_at', 'state'] as const
/** What admins can sort users by. */
export type UserSort = typeof userSorts[number]

/** Which part of the list of users. */
export interface UserQuery {
  /** Part of the address. */
  q?: string | undefined
  /** Default: by address. */
  sort?: Sort<UserSort> | undefined
  /** `next` of the page before, with the same sort. */
  cursor?: string | undefined
  /** 1 to 1000. */
  limit: number
}

const columns = {
  email: 'email_key', used_bytes: 'used_bytes', last_seen_at: 'last_seen_at', created_at: 'created_at', state: 'state'
} as const satisfies Record<UserSort, keyof UserRow>
const byAddress = { by: 'email', descending: false } as const

/** One page; a piece of an index whatever the sort is. `next` is null on the last one. INVALID_ARGUMENT for a cursor of another list. */
export async function listUsers (
  { q, sort = byAddress, cursor, limit }: UserQuery, { database }: { database: Pick<SqlDatabase, 'db'> }
): Promise<{ users: UserRow[], next: string | null }> {
  const column = columns[sort.by]
  const direction = sort.descending ? 'desc' : 'asc'
  let query = database.db.selectFrom('users').selectAll()
  if (cursor != null) {
    const { value, id } = placeInSort(cursor, sort, sort.by === 'email' || sort.by === 'state' ? 'string' : 'number')
    query = query.where(sql<boolean>`(${sql.ref(column)}, id) ${sql.raw(sort.descending ? '<' : '>')} (${value}, ${id})`)
  }
  if (q != null && q !== '') query = query.where('email_key', 'like', `%${q.toLowerCase().replaceAll(/[%_\\]/g, '')}%`)
  const rows = await query.orderBy(column, direction).orderBy('id', direction).limit(limit + 1).execute()
  const { page, next } = pageOf(rows, limit, last => sortCursor(sort, last[column], last.id))
  return { users: page, next }
}
