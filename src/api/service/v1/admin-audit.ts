import { z } from 'zod'
import type { AuditLog } from '../../../service/audit-log/audit-log.ts'
import type { AuditRow } from '../../../service/sql/tables.ts'
import { success, successDoc, time, timeText } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { cursor, nextPage, queryInt } from './fields.ts'

const entry = z.object({
  id: z.string(), at: time, user_id: z.string().nullable(), actor: z.string(), action: z.string(), object: z.string(), address: z.string(),
  details: z.record(z.string(), z.unknown())
})

/** The audit log, for admins. */
export const adminAuditRoutes = ({ audit }: { audit: Pick<AuditLog, 'list'> }): ServiceRoute[] => [
  serviceRoute({
    method: 'GET',
    path: '/api/v1/admin/audit',
    access: 'admin',
    query: z.object({
      user: z.string().max(64).optional(), action: z.string().max(64).optional(), cursor: cursor.optional(),
      limit: queryInt(1, 1000).optional()
    }),
    doc: { tag: 'Admin', summary: 'Who did what, newest first.', responses: [successDoc(z.array(entry), { more: nextPage })] },
    handler: async ({ query: { user: about, action, cursor: at, limit } }) => {
      const { entries, next } = await audit.list({
        ...(about == null ? {} : { user: about }), ...(action == null ? {} : { action }), ...(at == null ? {} : { cursor: at }),
        limit: limit ?? 100
      })
      return success({ data: entries.map(entryJson), more: { next_cursor: next } })
    }
  })
]

const entryJson = ({ at, details, ...row }: AuditRow): z.infer<typeof entry> => ({
  ...row, at: timeText(at), details: JSON.parse(details) as Record<string, unknown>
})
