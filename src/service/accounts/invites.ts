import { sql } from 'kysely'
import type { ExpressionBuilder } from 'kysely'
import { ClusterError } from '../../base/errors.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { InvitesTable, Tables } from '../sql/tables.ts'
import type { AuditLog } from '../audit-log/audit-log.ts'
import { pageOf, placeInTime, timeCursor } from '../sql/pages.ts'
import { addressOf } from './address.ts'
import type { Actor } from './accounts-deps.ts'
import { nameOfHash, secretHash } from './secrets.ts'

export interface InvitesDeps { database: SqlDatabase, audit: AuditLog }

/** Of these, only `open` ones can be used. */
export type InviteState = 'open' | 'used' | 'expired' | 'revoked'

/** An invitation without its code, which nobody knows but who was given it. `id` names it and opens nothing. */
export interface InviteSummary {
  id: string
  state: InviteState
  /** Only this address can use it; null: any. */
  email: string | null
  /** As in the audit log. */
  createdBy: string
  createdAt: number
  expiresAt: number
  usedAt: number | null
  /** Address of the account that came of it; null: none, or it is gone. */
  usedBy: string | null
}

/** Which part of the list of invitations. */
export interface InviteQuery {
  /** Absent: all. `ended`: used, expired or revoked. */
  state?: 'open' | 'ended' | undefined
  cursor?: string | undefined
  /** 1 to 1000. */
  limit: number
}

const wrongInvite = (): ClusterError => new ClusterError('REJECTED', {}, { message: 'the invitation is not valid, or was used' })

/** Codes of admins, each good for one registration. */
export class Invites {
  readonly #deps: InvitesDeps

  constructor (deps: InvitesDeps) { this.#deps = deps }

  async make (tx: Sql, invite: { code: string, email: string | null, expiresAt: number }, { actor, address }: Actor): Promise<void> {
    const { database, audit } = this.#deps
    const key = invite.email == null ? null : addressOf(invite.email).key
    await tx.insertInto('invites').values({
      code_hash: secretHash(invite.code), email: key, created_by: actor, created_at: database.now(), expires_at: invite.expiresAt,
      used_at: null, revoked_at: null, used_by: null
    }).execute()
    await audit.record(tx, { actor, user: null, action: 'invite', object: key ?? '', address })
  }

  /** Newest first. `next` is null on the last page. INVALID_ARGUMENT for a cursor that isn't one. */
  async list ({ state, cursor, limit }: InviteQuery): Promise<{ invites: InviteSummary[], next: string | null }> {
    const { db } = this.#deps.database
    const now = this.#deps.database.now()
    let query = db.selectFrom('invites').leftJoin('users', 'users.id', 'invites.used_by').selectAll('invites').select(
      'users.email as used_by_email'
    )
    if (state === 'open') query = query.where(eb => isOpen(eb, now))
    if (state === 'ended') query = query.where(eb => eb.not(isOpen(eb, now)))
    if (cursor != null) {
      const { at, id } = placeInTime(cursor, /^[0-9a-f]{64}$/)
      query = query.where(sql<boolean>`(invites.created_at, invites.code_hash) < (${at}, ${id})`)
    }
    const rows = await query.orderBy('invites.created_at', 'desc').orderBy('invites.code_hash', 'desc').limit(limit + 1).execute()
    const { page, next } = pageOf(rows, limit, last => timeCursor(last.created_at, last.code_hash))
    return { invites: page.map(row => summary(row, now)), next }
  }

  /** Idempotent. NOT_FOUND; CONFLICT for one that was used: the account that came of it stays. */
  async revoke (id: string, { actor, address }: Actor): Promise<void> {
    const { database, audit } = this.#deps
    await database.transaction(async tx => {
      const rows = /^[0-9a-f]{16}$/.test(id)
        ? await tx.selectFrom('invites').selectAll().where('code_hash', '>=', id).where('code_hash', '<', `${id}g`).execute()
        : []
      const found = rows[0]
      if (found == null) throw new ClusterError('NOT_FOUND', {}, { message: 'there is no such invitation' })
      if (found.used_at != null) throw new ClusterError('CONFLICT', {}, { message: 'the invitation was used already' })
      if (found.revoked_at != null) return
      // of two who are there at once, one who registers and this, the first has it
      const revoked = await tx.updateTable('invites').set({
        revoked_at: database.now()
      }).where('code_hash', '=', found.code_hash).where('used_at', 'is', null).executeTakeFirst()
      if (Number(revoked.numUpdatedRows) === 0) throw new ClusterError('CONFLICT', {}, { message: 'the invitation was used already' })
      await audit.record(tx, { actor, user: null, action: 'invite-revoke', object: found.email ?? id, address })
    })
  }

  /** REJECTED for one that isn't valid for this address. */
  async check (code: string | undefined, key: string): Promise<void> {
    const { database } = this.#deps
    const found = await database.db.selectFrom('invites').selectAll().where('code_hash', '=', secretHash(code ?? '')).where(
      eb => isOpen(eb, database.now())
    ).executeTakeFirst()
    if (found == null || (found.email != null && found.email !== key)) throw wrongInvite()
  }

  /** For an account that is made in the same transaction. REJECTED when it isn't open any more. */
  async use (tx: Sql, code: string, user: string): Promise<void> {
    const now = this.#deps.database.now()
    const used = await tx.updateTable('invites').set({
      used_at: now, used_by: user
    }).where('code_hash', '=', secretHash(code)).where(eb => isOpen(eb, now)).executeTakeFirst()
    if (Number(used.numUpdatedRows) === 0) throw wrongInvite()
  }
}

const isOpen = (eb: ExpressionBuilder<Tables, 'invites'>, now: number) =>
  eb.and([eb('invites.used_at', 'is', null), eb('invites.revoked_at', 'is', null), eb('invites.expires_at', '>', now)])

function summary (row: InvitesTable & { used_by_email: string | null }, now: number): InviteSummary {
  return {
    id: nameOfHash(row.code_hash),
    state: row.used_at != null ? 'used' : row.revoked_at != null ? 'revoked' : row.expires_at <= now ? 'expired' : 'open',
    email: row.email,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    usedAt: row.used_at,
    usedBy: row.used_by_email
  }
}
