import { sql } from 'kysely'
import type { Random } from '../../base/clock.ts'
import { ClusterError, invalidArgument } from '../../base/errors.ts'
import type { Worker } from '../../base/worker.ts'
import { opaqueId } from '../sql/ids.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { Quota, ReserveOptions } from './quota.ts'

export interface QuotaDeps { database: Pick<SqlDatabase, 'now'>, random: Random }

const defaultTtlMs = 3_600_000
const releasedAtOnce = 1000

/**
 * A `Quota` in the tables of the service. The user's row is changed by one statement that looks at the quota too, so two changes at the
 * same time see each other.
 */
export function sqlQuota (deps: QuotaDeps): Quota {
  return new SqlQuota(deps)
}

class SqlQuota implements Quota {
  readonly #deps: QuotaDeps

  constructor (deps: QuotaDeps) { this.#deps = deps }

  async reserve (tx: Sql, user: string, bytes: number, purpose: string, options: ReserveOptions = {}): Promise<string> {
    await use(tx, user, checkedBytes(bytes))
    const id = opaqueId(this.#deps.random)
    await tx.insertInto('reservations')
      .values({ id, user_id: user, bytes, purpose, created_at: this.#deps.database.now(), expires_at: this.#expiry(options) }).execute()
    return id
  }

  async extend (tx: Sql, reservation: string, bytes: number, options: ReserveOptions = {}): Promise<void> {
    const found = await tx.updateTable('reservations').set({
      bytes: sql<number>`bytes + ${checkedBytes(bytes)}`, expires_at: this.#expiry(options)
    })
      .where('id', '=', reservation).returning('user_id').executeTakeFirst()
    if (found == null) throw new ClusterError('NOT_FOUND', { reservation }, { message: 'the reservation is gone' })
    await use(tx, found.user_id, bytes)
  }

  async release (tx: Sql, reservation: string): Promise<void> {
    const found = await tx.deleteFrom('reservations').where('id', '=', reservation).returning(['user_id', 'bytes']).executeTakeFirst()
    if (found != null) await use(tx, found.user_id, -found.bytes)
  }

  async hold (tx: Sql, user: string, cid: string, bytes: number | null, options: { reservation?: string } = {}): Promise<void> {
    if (bytes != null) checkedBytes(bytes)
    const reserved = options.reservation == null ? 0 : await takeReservation(tx, user, options.reservation)
    const known = await tx.selectFrom('holdings').select('size_bytes').where('user_id', '=', user).where('cid', '=', cid).executeTakeFirst()
    const added = known == null || known.size_bytes == null ? bytes ?? 0 : 0
    await use(tx, user, added - reserved)
    if (known == null) {
      await tx.insertInto('holdings').values({ user_id: user, cid, size_bytes: bytes, holders: 1 }).execute()
    } else {
      await tx.updateTable('holdings').set({ holders: sql<number>`holders + 1`, size_bytes: known.size_bytes ?? bytes })
        .where('user_id', '=', user).where('cid', '=', cid).execute()
    }
  }

  async holdMany (tx: Sql, user: string, things: ReadonlyArray<{ cid: string, bytes: number | null }>): Promise<void> {
    if (things.length === 0) return
    for (const { bytes } of things) if (bytes != null) checkedBytes(bytes)
    const rows = await tx.selectFrom('holdings').select(['cid', 'size_bytes']).where('user_id', '=', user).where(
      'cid', 'in', things.map(({ cid }) => cid)
    ).execute()
    const known = new Map(rows.map(row => [row.cid, row]))
    const fresh = things.filter(({ cid }) => !known.has(cid))
    const settled = things.filter(({ cid, bytes }) => bytes != null && known.has(cid) && known.get(cid)?.size_bytes == null)
    await use(tx, user, [...fresh, ...settled].reduce((sum, { bytes }) => sum + (bytes ?? 0), 0))
    if (fresh.length > 0) {
      await tx.insertInto('holdings').values(
        fresh.map(({ cid, bytes }) => ({ user_id: user, cid, size_bytes: bytes, holders: 1 }))
      ).execute()
    }
    if (known.size > 0) {
      await tx.updateTable('holdings').set({
        holders: sql<number>`holders + 1`
      }).where('user_id', '=', user).where('cid', 'in', [...known.keys()]).execute()
    }
    for (const { cid, bytes } of settled) {
      await tx.updateTable('holdings').set({ size_bytes: bytes }).where('user_id', '=', user).where('cid', '=', cid).execute()
    }
  }

  async settle (tx: Sql, cid: string, bytes: number): Promise<string[]> {
    const holders = await tx.updateTable('holdings').set({ size_bytes: checkedBytes(bytes) })
      .where('cid', '=', cid).where('size_bytes', 'is', null).returning('user_id').execute()
    const users = holders.map(({ user_id: user }) => user)
    if (users.length === 0) return []
    await tx.updateTable('users').set({ used_bytes: sql<number>`used_bytes + ${bytes}` }).where('id', 'in', users).execute()
    const over = await tx.selectFrom('users').select('id').where('id', 'in', users).whereRef(
      'used_bytes', '>', 'quota_bytes'
    ).orderBy('id').execute()
    return over.map(({ id }) => id)
  }

  async drop (tx: Sql, user: string, cid: string): Promise<boolean> {
    const found = await tx.selectFrom('holdings').select(
      ['size_bytes', 'holders']
    ).where('user_id', '=', user).where('cid', '=', cid).executeTakeFirst()
    if (found == null) return false
    if (found.holders > 1) {
      await tx.updateTable('holdings').set({ holders: found.holders - 1 }).where('user_id', '=', user).where('cid', '=', cid).execute()
    } else {
      await tx.deleteFrom('holdings').where('user_id', '=', user).where('cid', '=', cid).execute()
      await use(tx, user, -(found.size_bytes ?? 0))
    }
    return true
  }

  async recount (tx: Sql, user: string): Promise<number> {
    const found = await tx.selectFrom('users').select(['used_bytes']).where('id', '=', user).executeTakeFirst()
    if (found == null) throw unknownUser(user)
    const sum = (table: 'holdings' | 'reservations', column: string) =>
      sql<number>`(select coalesce(sum(${sql.id(column)}), 0) from ${sql.table(table)} where user_id = ${user})`
    const { rows: [counted] } =
      await sql<{ bytes: number }>`select ${sum('holdings', 'size_bytes')} + ${sum('reservations', 'bytes')} as bytes`.execute(tx)
    const used = Number(counted?.bytes ?? 0)
    if (used !== found.used_bytes) await tx.updateTable('users').set({ used_bytes: used }).where('id', '=', user).execute()
    return found.used_bytes - used
  }

  async releaseExpired (tx: Sql): Promise<number> {
    const expired = await tx.selectFrom('reservations').select('id').where(
      'expires_at', '<=', this.#deps.database.now()
    ).orderBy('expires_at').limit(releasedAtOnce).execute()
    for (const { id } of expired) await this.release(tx, id)
    return expired.length
  }

  #expiry ({ ttlMs = defaultTtlMs }: ReserveOptions): number { return this.#deps.database.now() + ttlMs }
}

/** More (or less) use; more only within the quota. */
async function use (tx: Sql, user: string, bytes: number): Promise<void> {
  if (bytes === 0) return
  const change = tx.updateTable('users').set({ used_bytes: sql<number>`used_bytes + ${bytes}` }).where('id', '=', user)
  const { numUpdatedRows } = await (
    bytes > 0 ? change.where(sql<boolean>`used_bytes + ${bytes} <= quota_bytes`) : change
  ).executeTakeFirst()
  if (numUpdatedRows > 0n) return
  const found = await tx.selectFrom('users').select(['used_bytes', 'quota_bytes']).where('id', '=', user).executeTakeFirst()
  if (found == null) throw unknownUser(user)
  throw new ClusterError('QUOTA_EXCEEDED', { wantedBytes: bytes, usedBytes: found.used_bytes, quotaBytes: found.quota_bytes }, {
    message: `the quota of the account is used up: ${bytes} bytes more are needed, ${Math.max(0, found.quota_bytes - found.used_bytes)} are left of ${found.quota_bytes}`
  })
}

/** The bytes of a reservation that ends here; it has to be the user's. One that has expired covers nothing any more. */
async function takeReservation (tx: Sql, user: string, reservation: string): Promise<number> {
  const found = await tx.deleteFrom('reservations').where('id', '=', reservation).where('user_id', '=', user).returning('bytes')
    .executeTakeFirst()
  return found?.bytes ?? 0
}

function checkedBytes (bytes: number): number {
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw invalidArgument('a number of bytes is a whole number from 0 on', { bytes })
  }
  return bytes
}

const unknownUser = (user: string): ClusterError => new ClusterError('NOT_FOUND', { user }, { message: 'there is no such user' })

const everyMs = 60_000

/** Gives back what was reserved by somebody who never came back to it: an upload whose peer was killed. */
export function reservationExpiry ({ database, quota }: { database: SqlDatabase, quota: Quota }): Worker {
  return {
    name: 'service-reservations',
    jitter: 0.2,
    intervalMs: () => everyMs,
    work: async () => await database.transaction(tx => quota.releaseExpired(tx)) > 0 ? 'busy' : 'idle'
  }
}
