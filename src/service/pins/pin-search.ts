import { sql } from 'kysely'
import { pinningStatuses } from '../../model/pinning-service.ts'
import type { PinningStatus } from '../../model/pinning-service.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { PinRow } from '../sql/tables.ts'
import type { PinFilter } from './pins.ts'

/** How many of each status a user has, as the database counts along. */
export async function countsOf (database: SqlDatabase, user: string): Promise<Record<PinningStatus, number>> {
  const rows = await database.db.selectFrom('counters').select(['name', 'value']).where('user_id', '=', user).where(
    'name', 'like', 'pins:%'
  ).execute()
  const values = new Map(rows.map(({ name, value }) => [name, value]))
  const of = (state: PinningStatus): number => values.get(`pins:${state}`) ?? 0
  return { queued: of('queued'), pinning: of('pinning'), pinned: of('pinned'), failed: of('failed') }
}

/** The newest rows that fit, and how many fit in all. Each status for itself: an index has the rows of one in the order of the list. */
export async function search (
  database: SqlDatabase, user: string, filter: PinFilter, limit: number
): Promise<{ count: number, rows: PinRow[] }> {
  const states = [...new Set(filter.statuses)]
  const parts: Array<PinningStatus | undefined> = states.length === pinningStatuses.length ? [undefined] : states
  const found = await Promise.all(parts.map(async state => searchOne(database, user, { ...filter, state }, limit)))
  const rows = found.flatMap(part => part.rows).toSorted((a, b) => b.created - a.created).slice(0, limit)
  return { rows, count: found.reduce((sum, part) => sum + part.count, 0) }
}

interface OneFilter extends Omit<PinFilter, 'statuses'> { state: PinningStatus | undefined }

async function searchOne (
  database: SqlDatabase, user: string, filter: OneFilter, limit: number
): Promise<{ count: number, rows: PinRow[] }> {
  // few CIDs are looked up and sorted: an order that an index has would make SQLite go through everything in that order
  const order = filter.cids == null ? sql`created` : sql`created + 0`
  const rows = await (await filtered(database, user, filter)).selectAll().orderBy(order, 'desc').limit(limit).execute()
  return { rows, count: rows.length < limit ? rows.length : await countOf(database, user, filter) }
}

async function countOf (database: SqlDatabase, user: string, filter: OneFilter): Promise<number> {
  if (filter.cids == null && filter.name == null && filter.meta == null && filter.before == null && filter.after == null) {
    const counts = await countsOf(database, user)
    return filter.state == null ? Object.values(counts).reduce((sum, count) => sum + count, 0) : counts[filter.state]
  }
  const row = await (await filtered(database, user, filter)).select(({ fn }) => fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  return row.count
}

/** A few CIDs are looked up by an index of their own, which the text of the status must not draw the database away from. */
async function filtered (database: SqlDatabase, user: string, { state, cids, name, before, after, meta }: OneFilter) {
  let query = database.db.selectFrom('pins')
  if (name == null && meta == null) {
    query = query.where('user_id', '=', user)
    if (state != null) query = cids == null ? query.where('status', '=', state) : query.where(sql<boolean>`status || '' = ${state}`)
  } else {
    query = query.where(
      await database.matching('pins', user, {
        ...(state == null ? {} : { state }), ...(name == null ? {} : { name }), ...(meta == null ? {} : { meta })
      })
    )
  }
  if (cids != null) query = query.where('cid', 'in', cids)
  if (before != null) query = query.where('created', '<', Math.ceil(before))
  if (after != null) query = query.where('created', '>', Math.floor(after))
  return query
}
