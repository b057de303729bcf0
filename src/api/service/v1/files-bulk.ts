import { z } from 'zod'
import type { Files, PinChange } from '../../../service/files/files.ts'
import { fileStates } from '../../../service/sql/tables.ts'
import { success, successDoc, taskStarted } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { given } from './fields.ts'
import { metaPairs } from './file-json.ts'

/** What is done at once; more is a task. */
const mostAtOnce = 100
/** Exceptions of a filter. */
const mostExceptions = 1000

/** Which files, in queries and bodies. */
export const filterFields = {
  q: z.string().max(255).describe('Part of the name, in any case.'),
  group: z.string().max(100).describe('ID of a group; `none`: files without one.'),
  state: z.enum(fileStates)
}
const cidText = z.string().min(1).max(200)
const filter = z.strictObject({
  ...filterFields,
  meta: metaPairs.describe('Pairs that the metadata must have.'),
  except: z.array(cidText).max(mostExceptions).describe('CIDs that are left as they are.')
}).partial()
const bulk = z.union([
  z.strictObject({ cids: z.array(cidText).min(1), async: z.boolean().optional() }),
  z.strictObject({ filter, async: z.boolean().optional() })
], { error: 'either `cids`, a list of CIDs, or `filter`, an object with what the files have; and perhaps `async`, true or false' })
const byTask = successDoc(z.object({ task_id: z.uuid() }), {
  status: 202, message: true, about: `More than ${mostAtOnce} CIDs, \`async\`, or a filter: a task does it.`
})
const changed = successDoc(z.object({
  changed: z.array(z.string()).describe('CIDs that were changed.'),
  failed: z.array(z.object({ cid: z.string(), error: z.string() }))
}), { message: true })

/** What is done with many files. */
export const bulkRoutes = ({ files }: { files: Files }): ServiceRoute[] => [
  serviceRoute({
    method: 'POST',
    path: '/api/v1/files/delete/bulk',
    access: { permission: 'files:write' },
    body: bulk,
    doc: {
      tag: 'Files',
      summary: 'Delete many files',
      responses: [
        successDoc(
          z.object({ deleted: z.int(), failed: z.array(z.string()).describe('CIDs that are no files of yours.') }), { message: true }
        ),
        byTask
      ]
    },
    handler: async ({ caller: { user }, body }) => {
      const later = laterOf(body)
      if (later != null) return taskStarted(await files.removeLater(user.id, later))
      return success({ message: 'Files deleted successfully', data: await files.removeMany(user.id, cidsOf(body)) })
    }
  }),
  changeRoute('pin', { files, summary: 'Pin many files', message: 'Pinning started' }),
  changeRoute('unpin', { files, summary: 'Unpin many files', message: 'Files unpinned successfully' })
]

const changeRoute = (to: PinChange, { files, summary, message }: { files: Files, summary: string, message: string }): ServiceRoute =>
  serviceRoute({
  method: 'POST',
  path: `/api/v1/files/${to}/bulk`,
  access: { permission: 'files:write' },
  body: bulk,
  doc: { tag: 'Files', summary, responses: [changed, byTask] },
  handler: async ({ caller: { user }, body }) => {
    const later = laterOf(body)
    if (later != null) return taskStarted(await files.changePinsLater(user.id, to, later))
    return success({ message, data: await files.changePins(user.id, to, cidsOf(body)) })
  }
})

type Bulk = z.infer<typeof bulk>

/** What a task is to do; undefined: it is done at once. */
function laterOf (body: Bulk) {
  if ('filter' in body) return { filter: given(body.filter) }
  return body.async === true || body.cids.length > mostAtOnce ? { cids: body.cids } : undefined
}

const cidsOf = (body: Bulk): string[] => 'cids' in body ? body.cids : []
