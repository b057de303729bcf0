import type { Random } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { opaqueId } from '../sql/ids.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { AuditRow } from '../sql/tables.ts'
import type { Audit, AuditEntry, AuditQuery } from './audit.ts'

export interface AuditDeps { database: SqlDatabase, random: Random }

const defaultLimit = 100
const maxLimit = 1000

/** `Audit` in a table of the service: who did what to whose account, and when. */
export function sqlAudit ({ database, random }: AuditDeps): Audit {
  return {
    async record (tx: Sql, { actor, user, action, object = '', address = '', details = {} }: AuditEntry): Promise<void> {
      await tx.insertInto('audit')
        .values({
          id: opaqueId(random), at: database.now(), user_id: user, actor, action, object, address, details: JSON.stringify(details)
        }).execute()
    },

    async list ({ user, action, cursor, limit = defaultLimit }: AuditQuery = {}): Promise<{ entries: AuditRow[], next: string | null }> {
      const count = Math.min(Math.max(1, limit), maxLimit)
      let query = database.db.selectFrom('audit').selectAll()
      if (user != null) query = query.where('user_id', '=', user)
      if (action != null) query = query.where('action', '=', action)
      if (cursor != null) {
        const { at, id } = position(cursor)
        query = query.where(({ eb, or, and }) => or([eb('at', '<', at), and([eb('at', '=', at), eb('id', '<', id)])]))
      }
      const rows = await query.orderBy('at', 'desc').orderBy('id', 'desc').limit(count + 1).execute()
      const entries = rows.slice(0, count)
      const last = entries.at(-1)
      return { entries, next: rows.length > count && last != null ? `${last.at}.${last.id}` : null }
    }
  }
}

function position (cursor: string): { at: number, id: string } {
  const [, at, id] = /^(\d{1,15})\.([0-9A-Za-z]+)$/.exec(cursor) ?? []
  if (at == null || id == null) {
    throw new ClusterError('INVALID_ARGUMENT', { cursor: cursor.slice(0, 100) }, { message: 'the cursor is not one that was given here' })
  }
  return { at: Number(at), id }
}
