import type { Quota } from '../quota/quota.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import { slices } from './slices.ts'

export interface HoldingsDeps { database: SqlDatabase, quota: Pick<Quota, 'recount'> }

type Reader = Pick<SqlDatabase['db'], 'selectFrom'>

const holdingStates = ['staged', 'importing', 'pinning', 'pinned'] as const

/** Who holds what: each user's holdings are as many as its files and pins that count, and the sum is the use. Gives how many were wrong. */
export async function repairHoldings (deps: HoldingsDeps, signal: AbortSignal): Promise<number> {
  const { database } = deps
  const users = async (after: string, limit: number): Promise<Array<{ id: string }>> =>
    database.db.selectFrom('users').select('id').where('id', '>', after).orderBy('id').limit(limit).execute()
  let repaired = 0
  for await (const rows of slices(users, ({ id }) => id, signal)) {
    for (const { id } of rows) repaired += await repairUser(deps, id, signal)
  }
  return repaired
}

async function repairUser (deps: HoldingsDeps, user: string, signal: AbortSignal): Promise<number> {
  const { database, quota } = deps
  let repaired = 0
  for (const cidsOf of [heldCids, pinCids, fileCids]) {
    for await (const rows of slices(async (after, limit) => cidsOf(database.db, { user, after, limit }), ({ cid }) => cid, signal)) {
      const cids = rows.map(({ cid }) => cid)
      const wrong = await wrongOf(database.db, user, cids)
      if (wrong.length > 0) repaired += await database.transaction(async tx => repairThese(tx, user, wrong))
    }
  }
  // looked at before it is counted within a transaction, which others wait for
  const isRight = await sumIsRight(database.db, user)
  return isRight || await database.transaction(async tx => quota.recount(tx, user)) === 0 ? repaired : repaired + 1
}

async function sumIsRight (db: Reader, user: string): Promise<boolean> {
  const row = await db.selectFrom('users').select('used_bytes').where('id', '=', user).executeTakeFirst()
  const held = await db.selectFrom('holdings').select(
    ({ fn }) => fn.sum<number | null>('size_bytes').as('bytes')
  ).where('user_id', '=', user).executeTakeFirst()
  const reserved = await db.selectFrom('reservations').select(
    ({ fn }) => fn.sum<number | null>('bytes').as('bytes')
  ).where('user_id', '=', user).executeTakeFirst()
  return row == null || row.used_bytes === Number(held?.bytes ?? 0) + Number(reserved?.bytes ?? 0)
}

interface Page { user: string, after: string, limit: number }
const heldCids = async (db: Reader, { user, after, limit }: Page) =>
  db.selectFrom('holdings').select('cid').where('user_id', '=', user).where('cid', '>', after).orderBy('cid').limit(limit).execute()
const pinCids = async (db: Reader, { user, after, limit }: Page) =>
  db.selectFrom('pins').select('cid').distinct().where('user_id', '=', user).where('cid', '>', after).orderBy('cid').limit(limit).execute()
const fileCids = async (db: Reader, { user, after, limit }: Page) =>
  db.selectFrom('files').select('cid').where('user_id', '=', user).where('cid', '>', after).orderBy('cid').limit(limit).execute()

interface Holding { holders: number, sizeBytes: number | null }

async function wrongOf (db: Reader, user: string, cids: readonly string[]): Promise<string[]> {
  const [known, right] = [await knownOf(db, user, cids), await rightOf(db, user, cids)]
  return cids.filter(cid => (known.get(cid) ?? 0) !== (right.get(cid)?.holders ?? 0))
}

async function repairThese (tx: Sql, user: string, cids: readonly string[]): Promise<number> {
  const [known, right] = [await knownOf(tx, user, cids), await rightOf(tx, user, cids)]
  let repaired = 0
  for (const cid of cids) {
    const { holders, sizeBytes } = right.get(cid) ?? { holders: 0, sizeBytes: null }
    if ((known.get(cid) ?? 0) === holders) continue
    repaired++
    if (holders === 0) await tx.deleteFrom('holdings').where('user_id', '=', user).where('cid', '=', cid).execute()
    else if (known.has(cid)) await tx.updateTable('holdings').set({ holders }).where('user_id', '=', user).where('cid', '=', cid).execute()
    else await tx.insertInto('holdings').values({ user_id: user, cid, holders, size_bytes: sizeBytes }).execute()
  }
  return repaired
}

async function knownOf (db: Reader, user: string, cids: readonly string[]): Promise<Map<string, number>> {
  const rows = await db.selectFrom('holdings').select(['cid', 'holders']).where('user_id', '=', user).where('cid', 'in', cids).execute()
  return new Map(rows.map(({ cid, holders }) => [cid, holders]))
}

async function rightOf (db: Reader, user: string, cids: readonly string[]): Promise<Map<string, Holding>> {
  const right = new Map<string, Holding>()
  const add = (cid: string, sizeBytes: number | null): void => {
    const { holders, sizeBytes: known } = right.get(cid) ?? { holders: 0, sizeBytes: null }
    right.set(cid, { holders: holders + 1, sizeBytes: known ?? sizeBytes })
  }
  const files = await db.selectFrom('files').select(['cid', 'size_bytes']).where('user_id', '=', user).where('cid', 'in', cids)
    .where('origin', '<>', 'pins')
    .where(({ or, eb }) => or([eb('staging_key', 'is not', null), eb('state', 'in', holdingStates)])).execute()
  for (const { cid, size_bytes: size } of files) add(cid, size)
  const pins = await db.selectFrom('pins').select(['cid', 'size_bytes']).where('user_id', '=', user).where('cid', 'in', cids).where(
    'status', '<>', 'failed'
  ).execute()
  for (const { cid, size_bytes: size } of pins) add(cid, size)
  return right
}
