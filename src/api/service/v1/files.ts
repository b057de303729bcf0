import { z } from 'zod'
import { ClusterError } from '../../../base/errors.ts'
import type { Files } from '../../../service/files/files.ts'
import { fileSorts } from '../../../service/files/files.ts'
import type { FileRow } from '../../../service/sql/tables.ts'
import type { Usage } from '../../../service/usage/usage.ts'
import { success, successDoc } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { given, orderOf, queryInt } from './fields.ts'
import { bulkRoutes, filterFields } from './files-bulk.ts'
import { fileJson, fileSchema, followedFileJson, followedFileSchema, metaPairs, metaText, nameText } from './file-json.ts'
import { retrieveRoute } from './retrieve.ts'
import type { RetrieveDeps } from './retrieve.ts'

export interface FileRoutesDeps extends RetrieveDeps { files: Files, usage: Pick<Usage, 'flushViews'> }

const tag = 'Files'
const read = { permission: 'files:read' } as const
const write = { permission: 'files:write' } as const
const params = { cid: 'CID of a file of yours' }
const missing = { status: 404, about: 'No file of yours has this CID.' }
/** `upload` and `from-cid` are no CIDs. */
const fileWithCid = '/api/v1/files/{cid:(?!(?:upload|from-cid)$)[^/]+}'

/** An answer waits so long for a pin that is made at once. Milliseconds. */
const pinWaitMs = 10_000
const fromCidWaitMs = 2000

const order = orderOf(fileSorts)

const listQuery = z.object({
  ...filterFields,
  meta: metaText.describe('JSON object: pairs that the metadata must have.'),
  limit: queryInt(1, 1000).describe('Default 1000.'),
  cursor: z.string().max(2000).describe('`next_cursor` of the page before.'),
  offset: queryInt(0, Number.MAX_SAFE_INTEGER).describe('Files to leave out at the beginning, in place of a cursor.'),
  total: z.enum(['true', 'false']).describe('`true`: the answer says how many files fit.'),
  sort: order.field.describe('With a minus sign: the largest first. Default `-uploaded_at`.')
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

/** Everything below `/files` but the uploads. */
export function fileRoutes (deps: FileRoutesDeps): ServiceRoute[] {
  return [
    listFiles(deps), retrieveRoute(deps), pinFromCid(deps), ...bulkRoutes(deps), pinFile(deps), unpinFile(deps), getFile(deps),
    changeFile(deps), removeFile(deps)
  ]
}

const listFiles = ({ files, usage }: FileRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: '/api/v1/files',
  access: read,
  query: listQuery,
  doc: {
    tag,
    summary: 'List your files',
    responses: [successDoc(z.array(followedFileSchema), {
      more: {
        next_cursor: z.string().nullable().describe('For the next page; null: this is the last one.'),
        total: z.int().optional().describe('With `total=true`: how many files fit.')
      }
    })]
  },
  handler: async ({ caller: { user }, query }) => {
    await usage.flushViews(user.id)
    return success(await listed(user.id, query, files))
  }
})

const pinFromCid = ({ files }: FileRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/files/from-cid',
  access: write,
  body: fromCid,
  doc: {
    tag,
    summary: 'Pin something of the IPFS network by its CID',
    responses: [
      successDoc(fileSchema, { status: 201, message: true, about: 'It is pinned, or will be: see `state`.' }),
      { status: 404, about: 'There is no such group.' }, conflict, legal
    ]
  },
  handler: async ({ caller: { user }, body: { name, ...pin }, signal }) => {
    const file = await files.fromCid({ id: user.id, workspace: user.workspace_id }, given({ ...pin, filename: name }))
    const now = await files.whenPinned(user.id, file.cid, { withinMs: fromCidWaitMs, signal })
    return success({
      status: 201, message: now.state === 'pinned' ? 'File pinned successfully' : 'Pinning started', data: fileJson(now)
    })
  }
})

const pinFile = ({ files }: FileRoutesDeps): ServiceRoute => serviceRoute({
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
      conflict,
      legal
    ]
  },
  handler: async ({ caller: { user }, params: { cid = '' }, signal }) => {
    const { cid: known } = await files.pin(user.id, cid)
    return pinned(await files.whenPinned(user.id, known, { withinMs: pinWaitMs, signal }))
  }
})

const unpinFile = ({ files }: FileRoutesDeps): ServiceRoute => serviceRoute({
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
})

const getFile = ({ files, usage }: FileRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: fileWithCid,
  access: read,
  doc: { tag, summary: 'Details of a file', params, responses: [successDoc(followedFileSchema), missing] },
  handler: async ({ caller: { user }, params: { cid = '' }, signal }) => {
    await usage.flushViews(user.id)
    const infos = await files.waiting([await files.get(user.id, cid)], { ask: true, signal })
    return success({ data: followedFileJson(await files.get(user.id, cid), infos) })
  }
})

const changeFile = ({ files }: FileRoutesDeps): ServiceRoute => serviceRoute({
  method: 'PATCH',
  path: fileWithCid,
  access: write,
  body: changes,
  doc: {
    tag, summary: 'Change name, group or metadata of a file', params, responses: [successDoc(fileSchema, { message: true }), missing]
  },
  handler: async ({ caller: { user }, params: { cid = '' }, body: { original_filename: filename, ...change } }) =>
    success({ message: 'File updated successfully', data: fileJson(await files.change(user.id, cid, given({ ...change, filename }))) })
})

const removeFile = ({ files }: FileRoutesDeps): ServiceRoute => serviceRoute({
  method: 'DELETE',
  path: fileWithCid,
  access: write,
  doc: { tag, summary: 'Unpin and delete a file', params, responses: [successDoc(undefined, { message: true }), missing] },
  handler: async ({ caller: { user }, params: { cid = '' } }) => {
    await files.remove(user.id, cid)
    return success({ message: 'File deleted successfully' })
  }
})

const legal = { status: 451, about: 'The content is denied for legal reasons.' }
const conflict = { status: 409, about: 'It is pinned already.' }

function pinned ({ state, error }: FileRow) {
  if (state === 'failed') throw new ClusterError('REJECTED', {}, {
    message: `the file could not be pinned: ${error ?? 'the cluster refused it'}`
  })
  return state === 'pinned' ? success({ message: 'File pinned successfully' }) : success({ status: 202, message: 'Pinning started' })
}

/** A page, and if wanted how many there are. */
async function listed (user: string, { sort, total, ...query }: z.infer<typeof listQuery>, files: Files) {
  const wanted = given(query)
  const { files: rows, next } = await files.list(user, { ...wanted, ...(sort == null ? {} : { sort: order.of(sort) }) })
  const infos = await files.waiting(rows)
  return {
    data: rows.map(row => followedFileJson(row, infos)),
    more: { next_cursor: next, ...(total === 'true' ? { total: await files.count(user, wanted) } : {}) }
  }
}
