import { batchesOf } from '../../base/batches.ts'
import { mostOrigins } from '../../model/pinning-service.ts'
import type { Sql, SqlDatabase, TransactionOptions } from '../sql/sql.ts'
import type { ClusterPinRow } from '../sql/tables.ts'
import type { AcquireOptions, ClusterPinStatus, StatusesListener } from './cluster-pins.ts'

/** For many CIDs at once, on whose owners' requests wait. What is lost is found by its row and done, or asked, again. */
export const ofMany: TransactionOptions = { isAhead: true, isDurable: false }
/** Rows that one query names. */
export const mostAtOnce = 500

/** How a row stands, as the owners of its pin are told. */
export function statusOf (row: ClusterPinRow): ClusterPinStatus {
  return { state: row.status, replicas: row.replicas, wanted: row.wanted_replicas, info: JSON.parse(row.info) as Record<string, string> }
}

/** The multiaddresses that the row keeps as JSON. */
export const originsOf = (row: Pick<ClusterPinRow, 'origins'>): string[] => JSON.parse(row.origins) as string[]

/** The row of a CID; undefined when the service has no such pin. */
export async function rowOf (db: Pick<SqlDatabase['db'], 'selectFrom'>, cid: string): Promise<ClusterPinRow | undefined> {
  return db.selectFrom('cluster_pins').selectAll().where('cid', '=', cid).executeTakeFirst()
}

/** All of these, in several queries when there are many. */
export async function rowsOf (db: Pick<SqlDatabase['db'], 'selectFrom'>, cids: readonly string[]): Promise<ClusterPinRow[]> {
  const rows: ClusterPinRow[] = []
  for (const some of batchesOf(cids, mostAtOnce)) {
    rows.push(...await db.selectFrom('cluster_pins').selectAll().where('cid', 'in', some).execute())
  }
  return rows
}

/**
 * The desired state changes: `changed_at` grows, so that whoever applies the one before notices. What has to be done is due at once.
 */
const desiredStateChange = (
  row: Pick<ClusterPinRow, 'changed_at'> | undefined, now: number
): Pick<ClusterPinRow, 'changed_at' | 'next_try_at' | 'tries'> =>
  ({ changed_at: Math.max(now, (row?.changed_at ?? 0) + 1), next_try_at: now, tries: 0 })

/** Gives the row as it is now; `before` is undefined for a new one. */
export async function addOwner (
  tx: Sql, cid: string, { name = '', tenant = '', origins = [], now }: AcquireOptions & { now: number }
): Promise<{ row: ClusterPinRow, before: ClusterPinRow | undefined }> {
  const before = await rowOf(tx, cid)
  if (before == null) {
    return {
      before,
      row: await tx.insertInto('cluster_pins').values(firstRow({ cid, name, tenant, origins, now }))
        .returningAll().executeTakeFirstOrThrow()
    }
  }
  const change = changeByOwner(before, { name, tenant, origins, now })
  await tx.updateTable('cluster_pins').set(change).where('cid', '=', cid).execute()
  return { before, row: { ...before, ...change } }
}

/** Somebody wants the CID pinned. */
export type PinRequest = AcquireOptions & { cid: string }

/** The same for many requests, of which each has another CID; `before` undefined: there was no row. In no order. */
export async function addOwners (tx: Sql, requests: readonly PinRequest[], now: number): Promise<Array<{
  row: ClusterPinRow, before: ClusterPinRow | undefined
}>> {
  const known = new Set((await rowsOf(tx, requests.map(({ cid }) => cid))).map(({ cid }) => cid))
  const fresh = requests.filter(({ cid }) => !known.has(cid))
  const rows = fresh.length === 0
    ? []
    : await tx.insertInto('cluster_pins').values(fresh.map(request => firstRow({ ...request, now }))).returningAll().execute()
  const owned = rows.map(row => ({ row, before: undefined as ClusterPinRow | undefined }))
  for (const request of requests) if (known.has(request.cid)) owned.push(await addOwner(tx, request.cid, { ...request, now }))
  return owned
}

const firstRow = ({ cid, name = '', tenant = '', origins = [], now }: PinRequest & { now: number }) =>
  ({
    cid, owners: 1, want: 'pin' as const, status: 'queued' as const, name, tenant, origins: JSON.stringify(origins.slice(0, mostOrigins)),
    ...desiredStateChange(undefined, now)
  })

/**
 * Another owner: a row whose pin is about to go is wanted again; one that failed is tried again, and so is one that isn't pinned and gets
 * new addresses.
 */
function changeByOwner (
  row: ClusterPinRow,
  { name, tenant, origins, now }: { name: string, tenant: string, origins: readonly string[], now: number }
): Partial<ClusterPinRow> {
  const known = originsOf(row)
  if (row.want === 'unpin') {
    const fresh = { replicas: 0, wanted_replicas: 0, info: '{}', name, tenant, origins: JSON.stringify(origins.slice(0, mostOrigins)) }
    return { owners: 1, want: 'pin', applied: 0, status: 'queued', ...fresh, ...desiredStateChange(row, now) }
  }
  const all = [...new Set([...known, ...origins])].slice(0, mostOrigins)
  const isSettled = row.applied === 1 && row.status !== 'failed' && (row.status === 'pinned' || all.length === known.length)
  return { owners: row.owners + 1, origins: JSON.stringify(all), ...(isSettled ? {} : { applied: 0, ...desiredStateChange(row, now) }) }
}

/** One owner less; with the last one the pin is to go. False when nobody owns it. `now`: Unix milliseconds. */
export async function removeOwner (tx: Sql, cid: string, now: number): Promise<boolean> {
  const row = await rowOf(tx, cid)
  if (row == null || row.owners < 1) return false
  const change = row.owners > 1
    ? { owners: row.owners - 1 }
    : { owners: 0, want: 'unpin' as const, applied: 0, ...desiredStateChange(row, now) }
  await tx.updateTable('cluster_pins').set(change).where('cid', '=', cid).execute()
  return true
}

/** The pinset isn't as this row wants it: somebody else removed the pin. */
export async function applyAgain (tx: Sql, row: ClusterPinRow, now: number): Promise<void> {
  await tx.updateTable('cluster_pins').set({ applied: 0, made: 0, ...desiredStateChange(row, now) }).where('cid', '=', row.cid).execute()
}

/** A row with how its CID stands now. */
export interface NewStatus { row: ClusterPinRow, status: ClusterPinStatus }

/** Notes how CIDs stand, and tells who follows them of those whose state is another. */
export async function noteStatuses (tx: Sql, news: readonly NewStatus[], listeners: readonly StatusesListener[]): Promise<void> {
  const alike = Map.groupBy(news, ({ status }) => JSON.stringify(status))
  for (const group of alike.values()) {
    const [first] = group
    if (first == null) continue
    const { state, replicas, wanted, info } = first.status
    await tx.updateTable('cluster_pins').set({ status: state, replicas, wanted_replicas: wanted, info: JSON.stringify(info) })
      .where('cid', 'in', group.map(({ row }) => row.cid)).execute()
  }
  const changes = new Map(
    news.filter(({ row, status }) => status.state !== row.status && row.owners > 0).map(({ row, status }) => [row.cid, status])
  )
  if (changes.size > 0) for (const listener of listeners) await listener(tx, changes)
}

/** Whether the row says this already, so that nothing has to be written. */
export const isSameStatus = (row: ClusterPinRow, { state, replicas, wanted, info }: ClusterPinStatus): boolean =>
  row.status === state && row.replicas === replicas && row.wanted_replicas === wanted && row.info === JSON.stringify(info)

/**
 * Takes rows that are due, the longest due first, and keeps others from them until `leaseMs` are over. What was taken by who then died is
 * due again after that.
 */
export async function takeDue (
  tx: Sql, { applied, limit, now, leaseMs }: { applied: 0 | 1, limit: number, now: number, leaseMs: number }
): Promise<ClusterPinRow[]> {
  const rows = await tx.selectFrom('cluster_pins').selectAll()
    .where('applied', '=', applied).where('next_try_at', '<=', now).orderBy('next_try_at').limit(limit).execute()
  if (rows.length > 0) {
    await tx.updateTable('cluster_pins').set({ next_try_at: now + leaseMs }).where('cid', 'in', rows.map(({ cid }) => cid)).execute()
  }
  return rows
}

/** When the next row is due; null when none waits. */
export async function nextDue (db: Pick<SqlDatabase['db'], 'selectFrom'>, applied: 0 | 1): Promise<number | null> {
  const row = await db.selectFrom('cluster_pins').select('next_try_at').where('applied', '=', applied).where('next_try_at', 'is not', null)
    .orderBy('next_try_at').limit(1).executeTakeFirst()
  return row?.next_try_at ?? null
}
