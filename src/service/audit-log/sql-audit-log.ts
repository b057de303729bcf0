import type { Random } from '../../base/clock.ts'
import { opaqueId } from '../sql/ids.ts'
import { pageOf, placeInTime, timeCursor } from '../sql/pages.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { AuditRow } from '../sql/tables.ts'
import type { AuditLog, AuditEntry, AuditQuery } from './audit-log.ts'

export interface SqlAuditLogDeps { database: SqlDatabase, random: Random }

const defaultLimit = 100
const maxLimit = 1000

/** `AuditLog` in a table of the service: who did what to whose account, and when. */
export function sqlAuditLog ({ database, random }: SqlAuditLogDeps): AuditLog {
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
        const { at, id } = placeInTime(cursor, /^[0-9A-Za-z]+$/)
        query = query.where(({ eb, or, and }) => or([eb('at', '<', at), and([eb('at', '=', at), eb('id', '<', id)])]))
      }
      const rows = await query.orderBy('at', 'desc').orderBy('id', 'desc').limit(count + 1).execute()
      const { page, next } = pageOf(rows, count, last => timeCursor(last.at, last.id))
      return { entries: page, next }
    }
  }
}
