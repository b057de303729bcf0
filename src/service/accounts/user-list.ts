import { sql } from 'kysely'
import { ClusterError } from '../../base/errors.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { UserRow } from '../sql/tables.ts'

/** What users are sorted by. Who was never seen was seen before everybody else. */
export const userSorts = ['email', 'used_bytes', 'last_seen_at', 'created_at', 'state'] as const
export type UserSort = typeof userSorts[number]

export interface UserQuery {
  /** Part of the address. */
  q?: string | undefined
  /** Default: by address. */
  sort?: { by: UserSort, descending: boolean } | undefined
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
    const { value, id } = placeOf(cursor, sort)
    query = query.where(sql<boolean>`(${sql.ref(column)}, id) ${sql.raw(sort.descending ? '<' : '>')} (${value}, ${id})`)
  }
  if (q != null && q !== '') query = query.where('email_key', 'like', `%${q.toLowerCase().replaceAll(/[%_\\]/g, '')}%`)
  const rows = await query.orderBy(column, direction).orderBy('id', direction).limit(limit + 1).execute()
  const users = rows.slice(0, limit)
  const last = users.at(-1)
  return { users, next: rows.length > limit && last != null ? cursorOf(sort, last[column], last.id) : null }
}

const cursorOf = ({ by, descending }: { by: UserSort, descending: boolean }, value: string | number, id: string): string =>
  Buffer.from(JSON.stringify([by, descending ? 1 : 0, value, id])).toString('base64url')

function placeOf (cursor: string, { by, descending }: { by: UserSort, descending: boolean }): { value: string | number, id: string } {
  try {
    const [sort, isDescending, value, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    const isValue = by === 'email' || by === 'state' ? typeof value === 'string' : Number.isSafeInteger(value)
    if (sort === by && isDescending === (descending ? 1 : 0) && isValue && typeof id === 'string') {
      return { value: value as string | number, id }
    }
  } catch { /* no cursor of ours */ }
  throw new ClusterError('INVALID_ARGUMENT', {}, { message: 'the cursor is not one of this list' })
}
