import { ClusterError } from '../../base/errors.ts'
import { checkGroup } from '../files/file-rows.ts'
import type { Quota } from '../quota/quota.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { UploadRow } from '../sql/tables.ts'
import type { Staging } from '../staging/staging.ts'
import type { LiveStagingKeys, ResumableDescription, Uploader } from './uploads.ts'

/**
 * What `uploads.metadata` says. `plain`: bytes that come in one request, to this process (`run`) of this peer. `resumable`: in several, to
 * any.
 */
export type UploadMetadata = { kind: 'plain', peer: string, run: string } | ResumableMetadata

/** What is kept of a resumable upload besides its columns, as JSON. */
export interface ResumableMetadata extends ResumableDescription {
  kind: 'resumable'
  /** What the link allows; null: no such limit. */
  maxBytes: number | null
  /** Once it is done. */
  cid?: string
  /** Why it failed, for its owner. */
  error?: string
}

/** An upload that begins. */
export interface NewUpload {
  id: string
  uploader: Uploader
  /** null: not known. */
  length: number | null
  /** Bytes of quota, at once. */
  reserve: number
  /** Null: nothing will be staged. */
  key: string | null
  group: string | null
  metadata: UploadMetadata
  ttlMs: number
}

export interface UploadRowsDeps { database: SqlDatabase, quota: Quota, staging: Pick<Staging, 'remove'> }

/** The rows of uploads that are under way, with what hangs on them: a reservation, the use of a link, staged bytes. */
export class UploadRows {
  readonly #deps: UploadRowsDeps

  constructor (deps: UploadRowsDeps) { this.#deps = deps }

  /**
   * `isDurable`: the client is told of it before a byte comes. QUOTA_EXCEEDED; NOT_FOUND for a group that isn't the user's, and for a link
   * that can't be used any more; NOT_AUTHORIZED for an account that isn't active.
   */
  async begin (
    { id, uploader: { user, workspace, link }, length, reserve, key, group, metadata, ttlMs }: NewUpload, { isDurable = true } = {}
  ): Promise<UploadRow> {
    const { database, quota } = this.#deps
    return await database.transaction(async tx => {
      const now = database.now()
      await refuseInactive(tx, user)
      await checkGroup(tx, user, group)
      if (link != null) await useLink(tx, { id: link.id, user, now })
      const reservation = await quota.reserve(tx, user, reserve, 'upload', { ttlMs })
      return await tx.insertInto('uploads').values({
        id, user_id: user, workspace_id: workspace, length, offset: 0, metadata: JSON.stringify(metadata), staging_key: key,
        reservation_id: reservation,
        link_id: link?.id ?? null, state: 'open', created_at: now, expires_at: now + ttlMs
      }).returningAll().executeTakeFirstOrThrow()
    }, { isDurable })
  }

  /** `bytes` more of quota, and more time. CONFLICT when the row is gone: somebody has ended it. */
  async extend ({ id, user_id: user, reservation_id: reservation }: UploadRow, bytes: number, ttlMs: number): Promise<void> {
    const { database, quota } = this.#deps
    await database.transaction(async tx => {
      const { numUpdatedRows } = await tx.updateTable('uploads').set({
        expires_at: database.now() + ttlMs
      }).where('id', '=', id).where('user_id', '=', user).where('state', '=', 'open').executeTakeFirst()
      if (Number(numUpdatedRows) === 0) throw wasEnded(id)
      if (reservation != null) await quota.extend(tx, reservation, bytes, { ttlMs })
    })
  }

  /** In the transaction that makes a file of it. CONFLICT when the row is gone. */
  async close (tx: Sql, { id, user_id: user }: UploadRow): Promise<void> {
    const { numDeletedRows } = await tx.deleteFrom('uploads').where('id', '=', id).where('user_id', '=', user).executeTakeFirst()
    if (Number(numDeletedRows) === 0) throw wasEnded(id)
  }

  /**
   * Takes everything back. False: there is no such row any more, or it isn't as it must be (`expiredAt`: only when it has expired by then);
   * then nothing was done: who removed it has the bytes now.
   */
  async abandon ({ id, user_id: user }: Pick<UploadRow, 'id' | 'user_id'>, { expiredAt }: { expiredAt?: number } = {}): Promise<boolean> {
    const { database, staging } = this.#deps
    const row = await database.transaction(async tx => {
      let query = tx.deleteFrom('uploads').where('id', '=', id).where('user_id', '=', user)
      if (expiredAt != null) query = query.where('expires_at', '<', expiredAt)
      const found = await query.returningAll().executeTakeFirst()
      if (found != null) await this.#giveBack(tx, found)
      return found
    })
    if (row == null) return false
    if (row.staging_key != null) await staging.remove(row.staging_key)
    return true
  }

  /** All of a user's, for the deletion of the account. Gives the staging keys that nobody needs then. */
  async forget (tx: Sql, user: string): Promise<string[]> {
    const rows = await tx.deleteFrom('uploads').where('user_id', '=', user).returningAll().execute()
    for (const row of rows) await this.#giveBack(tx, row)
    await tx.deleteFrom('links').where('user_id', '=', user).execute()
    return rows.flatMap(({ staging_key: key }) => key == null ? [] : [key])
  }

  async #giveBack (tx: Sql, { reservation_id: reservation, link_id: link, user_id: user, state }: UploadRow): Promise<void> {
    if (reservation != null) await this.#deps.quota.release(tx, reservation)
    if (link != null && state !== 'done' && state !== 'failed') await giveBackUse(tx, { link, user })
  }
}

/** What is kept of an upload in several requests; null for uploads of another kind. */
export function resumableMetadata ({ metadata }: Pick<UploadRow, 'metadata'>): ResumableMetadata | null {
  const found = JSON.parse(metadata) as { kind: string }
  return found.kind === 'resumable' ? found as ResumableMetadata : null
}

async function refuseInactive (tx: Sql, user: string): Promise<void> {
  const found = await tx.selectFrom('users').select('state').where('id', '=', user).executeTakeFirst()
  if (found?.state !== 'active') throw new ClusterError('NOT_AUTHORIZED', {}, { message: 'the account is suspended' })
}

/** One use more, of those that are left. */
async function useLink (tx: Sql, { id, user, now }: { id: string, user: string, now: number }): Promise<void> {
  const { numUpdatedRows } = await tx.updateTable('links').set(({ eb }) => ({ uses: eb('uses', '+', 1) }))
    .where('id', '=', id).where('user_id', '=', user).where(
      'revoked_at', 'is', null
    ).where('expires_at', '>', now).whereRef('uses', '<', 'max_uses').executeTakeFirst()
  if (Number(numUpdatedRows) === 0) throw noSuchLink()
}

/** Gives a link the use back that an upload had taken which came to nothing. */
export async function giveBackUse (tx: Sql, { link, user }: { link: string, user: string }): Promise<void> {
  await tx.updateTable('links').set(({ eb }) => ({
    uses: eb('uses', '-', 1)
  })).where('id', '=', link).where('user_id', '=', user).where('uses', '>', 0).execute()
}

/** NOT_FOUND, the same for a link that never was and one that is used up. */
export const noSuchLink = (): ClusterError =>
  new ClusterError('NOT_FOUND', {}, { message: 'there is no such upload link, or it is used up' })
const wasEnded = (id: string): ClusterError => new ClusterError('CONFLICT', { id }, { message: 'the upload has been ended' })

/** See `LiveStagingKeys`. At most 500 keys at once. Uploads that have expired are live until the worker has ended them. */
export function liveStagingKeys ({ database: { db } }: { database: SqlDatabase }): LiveStagingKeys {
  return async keys => {
    if (keys.length === 0) return new Set()
    // one statement: an upload that becomes a file meanwhile is seen as one or the other
    const files = db.selectFrom('files').select('staging_key').where('staging_key', 'in', [...keys])
    const found = await db.selectFrom('uploads').select('staging_key').where('staging_key', 'in', [...keys]).unionAll(files).execute()
    return new Set(found.flatMap(({ staging_key: key }) => key == null ? [] : [key]))
  }
}
