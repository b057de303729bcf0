import { sql } from 'kysely'
import { pageOf, placeInSort, sortCursor } from '../sql/pages.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { FileRow } from '../sql/tables.ts'
import { textsOf } from './file-rows.ts'
import type { FileFilter, FileQuery, FileSort } from './files.ts'

export interface FileListDeps { database: Pick<SqlDatabase, 'db' | 'matching'> }

const longestList = 1000

/** The column that a sort goes by. Names sort without regard to case; what was never accessed counts as accessed before everything else. */
const columns = {
  uploaded_at: 'uploaded_at',
  original_filename: 'name_key',
  size_bytes: 'size_bytes',
  view_count: 'view_count',
  last_accessed_at: 'last_accessed_at'
} as const satisfies Record<FileSort, keyof FileRow>

const newestFirst = { by: 'uploaded_at', descending: true } as const

/**
 * One page of a user's files. Every sort is answered out of an index: pages of a large account come as quickly as those of a small one. An
 * `offset` walks that index, so a list can be entered anywhere.
 */
export async function listFiles (
  user: string, query: FileQuery, { database }: FileListDeps
): Promise<{ files: FileRow[], next: string | null }> {
  const { limit = longestList, sort = newestFirst, cursor, offset = 0 } = query
  const column = columns[sort.by]
  const direction = sort.descending ? 'desc' : 'asc'
  let select = await filtered(user, query, { database })
  if (cursor != null) {
    const { value, id } = placeInSort(cursor, sort, sort.by === 'original_filename' ? 'string' : 'number')
    select = select.where(sql<boolean>`(${sql.ref(column)}, id) ${sql.raw(sort.descending ? '<' : '>')} (${value}, ${id})`)
  }
  if (offset > 0) select = select.offset(offset)
  const rows = await select.orderBy(column, direction).orderBy('id', direction).limit(limit + 1).execute()
  const { page, next } = pageOf(rows, limit, last => sortCursor(sort, last[column], last.id))
  return { files: page, next }
}

/** How many fit. What an index knows is counted there. */
export async function countFiles (user: string, filter: FileFilter, { database }: FileListDeps): Promise<number> {
  const { q = '', group, state, meta, except = [] } = filter
  const query = q === '' && meta == null && except.length === 0
    ? database.db.selectFrom('files').where('user_id', '=', user)
      .$if(group != null, select => group === 'none' ? select.where('group_id', 'is', null) : select.where('group_id', '=', group ?? ''))
      .$if(state != null, select => select.where('state', '=', state ?? 'failed'))
    : (await filtered(user, filter, { database })).clearSelect()
  const { count } = await query.select(eb => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  return Number(count)
}

/** The place of a file in the order of time. */
export interface FilePlace { uploadedAt: number, id: string }

/**
 * Some of the files that fit, oldest first; for work on all of them, batch by batch. `before`: uploaded until then; `behind`: not up to
 * this one.
 */
export async function someFiles (
  user: string, { filter, before, behind, limit }: { filter: FileFilter, before: number, behind?: FilePlace | null, limit: number },
  { database }: FileListDeps
): Promise<FileRow[]> {
  let select = (await filtered(user, filter, { database })).where('uploaded_at', '<=', before)
  if (behind != null) select = select.where(sql<boolean>`(uploaded_at, id) > (${behind.uploadedAt}, ${behind.id})`)
  return select.orderBy('uploaded_at').orderBy('id').limit(limit).execute()
}

async function filtered (user: string, { q = '', group, state, meta, except = [] }: FileFilter, { database }: FileListDeps) {
  const fits = await database.matching('files', user, {
    ...(q === '' ? {} : { name: { text: q, match: 'ipartial' as const } }),
    ...(group == null ? {} : { group: group === 'none' ? null : group }),
    ...(state == null ? {} : { state }),
    ...(meta == null ? {} : { meta })
  })
  const select = database.db.selectFrom('files').selectAll().where(fits)
  return except.length === 0 ? select : select.where('cid', 'not in', except.flatMap(textsOf))
}
