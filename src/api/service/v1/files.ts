import { z } from 'zod'
import { ClusterError } from '../../../base/errors.ts'
import type { Files, FileSort } from '../../../service/files/files.ts'
import { fileSorts } from '../../../service/files/files.ts'
import type { FileRow } from '../../../service/sql/tables.ts'
import { fileStates } from '../../../service/sql/tables.ts'
import type { Usage } from '../../../service/usage/usage.ts'
import { success, successDoc, taskStarted } from '../answers.ts'
import type { ServiceRoute } from '../frame.ts'
import { serviceRoute } from '../frame.ts'
import { queryInt } from './fields.ts'
import { fileJson, fileSchema, metaPairs, metaText, nameText } from './file-json.ts'
import { retrieveRoute } from './retrieve.ts'
import type { RetrieveDeps } from './retrieve.ts'

export interface FileRoutesDeps extends RetrieveDeps { files: Files, usage: Pick<Usage, 'flush'> }

const tag = 'Files'
const read = { permission: 'files:read' } as const
const write = { permission: 'files:write' } as const
const params = { cid: 'CID of a file of yours' }
const missing = { status: 404, about: 'No file of yours has this CID.' }
/** `upload` and `from-cid` are no CIDs. */
const fileWithCid = '/api/v1/files/{cid:(?!(?:upload|from-cid)$)[^/]+}'

/** What is deleted at once; more is a task. */
const mostAtOnce = 100
/** An answer waits so long for a pin that is made at once. Milliseconds. */
const pinWaitMs = 10_000
const fromCidWaitMs = 2000

const sortNames = fileSorts.flatMap(name => [name, `-${name}`] as const)
const sortOf = (text: string): { by: FileSort, descending: boolean } => ({
  by: text.replace(/^-/, '') as FileSort, descending: text.startsWith('-')
})

const filterFields = {
  q: z.string().max(255).describe('Part of the name, in any case.'),
  group: z.string().max(100).describe('ID of a group; `none`: files without one.'),
  state: z.enum(fileStates)
}
const filter = z.strictObject({ ...filterFields, meta: metaPairs.describe('Pairs that the metadata must have.') }).partial()
const listQuery = z.object({
  ...filterFields,
  meta: metaText.describe('JSON object: pairs that the metadata must have.'),
  limit: queryInt(1, 1000).describe('Default 1000.'),
  cursor: z.string().max(2000).describe('`next_cursor` of the page before.'),
  sort: z.enum(sortNames).describe('With a minus sign: the largest first. Default `-uploaded_at`.')
}).partial()

const changes = z.strictObject({
  original_filename: nameText, group: z.string().max(100).nullable().describe('ID of a group; null: none.'), meta: metaPairs
}).partial()
const fromCid = z.strictObject({
  cid: z.string().min(1).max(200),
  name: nameText.optional(),
  group: z.string().max(100).nullable().optional(),
  meta: metaPairs.optional(),
  origins: z.array(z.string().max(1000)).max(20).optional().describe('Multiaddresses of nodes that have it.')
})
const bulk = z.union([
  z.object({ cids: z.array(z.string().min(1).max(200)).min(1), async: z.boolean().optional() }),
  z.object({ filter, async: z.boolean().optional() })
])

export function fileRoutes (deps: FileRoutesDeps): ServiceRoute[] {
  const { files, usage } = deps
  return [
    serviceRoute({
      method: 'GET',
      path: '/api/v1/files',
      access: read,
      query: listQuery,
      doc: {
        tag,
        summary: 'List your files',
        responses: [successDoc(z.array(fileSchema), {
          more: { next_cursor: z.string().nullable().describe('For the next page; null: this is the last one.') }
        })]
      },
      handler: async ({ caller, query: { sort, ...query } }) => {
        await usage.flush()
        const { files: rows, next } = await files.list(caller.user.id, { ...given(query), ...(sort == null ? {} : { sort: sortOf(sort) }) })
        return success({ data: rows.map(fileJson), more: { next_cursor: next } })
      }
    }),
    retrieveRoute(deps),
    serviceRoute({
      method: 'POST',
      path: '/api/v1/files/from-cid',
      access: write,
      body: fromCid,
      doc: {
        tag,
        summary: 'Pin something of the IPFS network by its CID',
        responses: [successDoc(fileSchema, { status: 201, message: true, about: 'It is pinned, or will be: see `state`.' }), conflict]
      },
      handler: async ({ caller: { user }, body: { name, ...pin }, signal }) => {
        const file = await files.fromCid({ id: user.id, workspace: user.workspace_id }, given({ ...pin, filename: name }))
        const now = await files.whenPinned(user.id, file.cid, { withinMs: fromCidWaitMs, signal })
        return success({
          status: 201, message: now.state === 'pinned' ? 'File pinned successfully' : 'Pinning started', data: fileJson(now)
        })
      }
    }),
    serviceRoute({
      method: 'POST',
      path: '/api/v1/files/delete/bulk',
      access: write,
      body: bulk,
      doc: {
        tag,
        summary: 'Delete many files',
        responses: [
          successDoc(
            z.object({ deleted: z.int(), failed: z.array(z.string()).describe('CIDs that are no files of yours.') }), { message: true }
          ),
          successDoc(z.object({ task_id: z.uuid() }), {
            status: 202, message: true, about: `More than ${mostAtOnce} CIDs, \`async\`, or a filter: a task does it.`
          })
        ]
      },
      handler: async ({ caller: { user }, body }) => {
        if ('filter' in body) return taskStarted(await files.removeLater(user.id, { filter: given(body.filter) }))
        if (body.async === true || body.cids.length > mostAtOnce) return taskStarted(await files.removeLater(user.id, { cids: body.cids }))
        return success({ message: 'Files deleted successfully', data: await files.removeMany(user.id, body.cids) })
      }
    }),
    serviceRoute({
      method: 'POST',
      path: '/api/v1/files/{cid}/pin',
      access: write,
      doc: {
        tag,
        summary: 'Pin a file',
        params,
        responses: [
          successDoc(undefined, { message: true }),
          successDoc(undefined, { status: 202, message: true, about: 'It will be pinned: see its `state`.' }),
          missing,
          conflict
        ]
      },
      handler: async ({ caller: { user }, params: { cid = '' }, signal }) => {
        const { cid: known } = await files.pin(user.id, cid)
        return pinned(await files.whenPinned(user.id, known, { withinMs: pinWaitMs, signal }))
      }
    }),
    serviceRoute({
      method: 'POST',
      path: '/api/v1/files/{cid}/unpin',
      access: write,
      doc: {
        tag,
        summary: 'Unpin a file',
        params,
        responses: [successDoc(undefined, { message: true, about: 'It is no longer pinned; its content may be collected.' }), missing]
      },
      handler: async ({ caller: { user }, params: { cid = '' } }) => {
        await files.unpin(user.id, cid)
        return success({ message: 'File unpinned successfully' })
      }
    }),
    serviceRoute({
      method: 'GET',
      path: fileWithCid,
      access: read,
      doc: { tag, summary: 'Details of a file', params, responses: [successDoc(fileSchema), missing] },
      handler: async ({ caller: { user }, params: { cid = '' } }) => {
        await usage.flush()
        return success({ data: fileJson(await files.get(user.id, cid)) })
      }
    }),
    serviceRoute({
      method: 'PATCH',
      path: fileWithCid,
      access: write,
      body: changes,
      doc: {
        tag, summary: 'Change name, group or metadata of a file', params, responses: [successDoc(fileSchema, { message: true }), missing]
      },
      handler: async ({ caller: { user }, params: { cid = '' }, body: { original_filename: filename, ...change } }) =>
        success({ message: 'File updated successfully', data: fileJson(await files.change(user.id, cid, given({ ...change, filename }))) })
    }),
    serviceRoute({
      method: 'DELETE',
      path: fileWithCid,
      access: write,
      doc: { tag, summary: 'Unpin and delete a file', params, responses: [successDoc(undefined, { message: true }), missing] },
      handler: async ({ caller: { user }, params: { cid = '' } }) => {
        await files.remove(user.id, cid)
        return success({ message: 'File deleted successfully' })
      }
    })
  ]
}

const conflict = { status: 409, about: 'It is pinned already.' }

function pinned ({ state, error }: FileRow) {
  if (state === 'failed') throw new ClusterError('REJECTED', {}, {
    message: `the file could not be pinned: ${error ?? 'the cluster refused it'}`
  })
  return state === 'pinned' ? success({ message: 'File pinned successfully' }) : success({ status: 202, message: 'Pinning started' })
}

type Given<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> }

/** Without what is undefined. */
const given = <T extends object> (values: T): Given<T> & Pick<T, RequiredKeys<T>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T> & Pick<T, RequiredKeys<T>>

type RequiredKeys<T> = { [Key in keyof T]-?: undefined extends T[Key] ? never : Key }[keyof T]
