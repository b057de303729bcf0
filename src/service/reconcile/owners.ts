import { isLetGo } from '../pins/pin-rows.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { ClusterPinRow, PinRow } from '../sql/tables.ts'
import { slices } from './slices.ts'

type Reader = Pick<SqlDatabase['db'], 'selectFrom'>

/** What owns the pin of one CID: how many, and the statuses that tenant pins tell. */
interface Owners { owners: number, pins: PinRow[] }

/** Each cluster pin has as many owners as there are files and tenant pins, and these tell its status. */
export async function repairOwners (
  { database }: { database: SqlDatabase }, signal: AbortSignal
): Promise<{ owners: number, statuses: number }> {
  const repaired = { owners: 0, statuses: 0 }
  const look = async (cids: readonly string[]): Promise<void> => {
    const wrong = await wrongOf(database.db, cids)
    if (wrong.length === 0) return
    const { owners, statuses } = await database.transaction(async tx => repairThese(tx, wrong, database.now()))
    repaired.owners += owners
    repaired.statuses += statuses
  }
  for (const list of [clusterCids, pinCids, fileCids]) {
    for await (const rows of slices(async (after, limit) => list(database.db, after, limit), ({ cid }) => cid, signal)) {
      await look(rows.map(({ cid }) => cid))
    }
  }
  return repaired
}

const clusterCids = async (db: Reader, after: string, limit: number) =>
  db.selectFrom('cluster_pins').select('cid').where('cid', '>', after).orderBy('cid').limit(limit).execute()
const pinCids = async (db: Reader, after: string, limit: number) =>
  db.selectFrom('pins').select('cid').distinct().where('cid', '>', after).orderBy('cid').limit(limit).execute()
const fileCids = async (db: Reader, after: string, limit: number) =>
  db.selectFrom('files').select('cid').distinct().where('owns_pin', '=', 1).where('cid', '>', after).orderBy('cid').limit(limit).execute()

/** Looked at outside of a transaction, then once more within one. */
async function wrongOf (db: Reader, cids: readonly string[]): Promise<string[]> {
  const [rows, owners] = [await rowsOf(db, cids), await ownersOf(db, cids)]
  return cids.filter(cid => differs(rows.get(cid), owners.get(cid)))
}

function differs (row: ClusterPinRow | undefined, owners: Owners | undefined): boolean {
  return (row?.owners ?? 0) !== (owners?.owners ?? 0) || wrongStatuses(row, owners).length > 0
}

const wrongStatuses = (row: ClusterPinRow | undefined, owners: Owners | undefined): PinRow[] =>
  row == null ? [] : (owners?.pins ?? []).filter(pin => pin.status !== row.status && pin.status !== 'failed' && row.status !== 'failed')

async function repairThese (tx: Sql, cids: readonly string[], now: number): Promise<{ owners: number, statuses: number }> {
  const repaired = { owners: 0, statuses: 0 }
  const [rows, owners] = [await rowsOf(tx, cids), await ownersOf(tx, cids)]
  for (const cid of cids) {
    const [row, own] = [rows.get(cid), owners.get(cid)]
    for (const pin of wrongStatuses(row, own)) {
      await tx.updateTable('pins').set({
        status: row?.status ?? 'queued'
      }).where('user_id', '=', pin.user_id).where('request_id', '=', pin.request_id).execute()
      repaired.statuses++
    }
    if ((row?.owners ?? 0) === (own?.owners ?? 0)) continue
    await setOwners(tx, { cid, row, owners: own?.owners ?? 0, now })
    repaired.owners++
  }
  return repaired
}

async function setOwners (tx: Sql, { cid, row, owners, now }: {
  cid: string, row: ClusterPinRow | undefined, owners: number, now: number
}): Promise<void> {
  if (row == null) {
    await tx.insertInto('cluster_pins').values({
      cid, owners, want: 'pin', status: 'queued', name: '', changed_at: now, next_try_at: now
    }).execute()
    return
  }
  const want = owners > 0 ? 'pin' as const : 'unpin' as const
  const change = want === row.want ? {} : { want, applied: 0, changed_at: Math.max(now, row.changed_at + 1), next_try_at: now, tries: 0 }
  await tx.updateTable('cluster_pins').set({ owners, ...change }).where('cid', '=', cid).execute()
}

async function rowsOf (db: Reader, cids: readonly string[]): Promise<Map<string, ClusterPinRow>> {
  const rows = await db.selectFrom('cluster_pins').selectAll().where('cid', 'in', cids).execute()
  return new Map(rows.map(row => [row.cid, row]))
}

async function ownersOf (db: Reader, cids: readonly string[]): Promise<Map<string, Owners>> {
  const owners = new Map<string, Owners>(cids.map(cid => [cid, { owners: 0, pins: [] }]))
  for (const { cid } of await db.selectFrom('files').select('cid').where('cid', 'in', cids).where('owns_pin', '=', 1).execute()) {
    owners.get(cid)!.owners++
  }
  for (const pin of await db.selectFrom('pins').selectAll().where('cid', 'in', cids).execute()) {
    if (isLetGo(pin)) continue
    const own = owners.get(pin.cid)!
    own.owners++
    own.pins.push(pin)
  }
  return owners
}
