import { z } from 'zod'
import type { LinkRow } from '../../../service/sql/tables.ts'
import type { Uploader, Uploads } from '../../../service/uploads/uploads.ts'
import { success, successDoc, time, timeOrNull, timeText } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { uploadOptions } from './upload-options.ts'
import { strangersDoc, takeUpload } from './uploads.ts'

export interface LinkRoutesDeps { uploads: Uploads, now: () => number }

const tag = 'Upload links'
const write = { permission: 'files:write' } as const
const daySeconds = 24 * 60 * 60
const longestSeconds = 365 * daySeconds

const mediaType = z.string().trim().toLowerCase().max(127).regex(
  /^[a-z0-9.+-]+\/([a-z0-9.+-]+|\*)$|^\*\/\*$/, 'not a media type as image/png or image/*'
)

const newLink = z.strictObject({
  name: z.string().trim().max(200).describe('What it is for. Whoever has the link reads it, too.'),
  max_bytes: z.int().min(0).max(Number.MAX_SAFE_INTEGER).nullable().describe('Of each upload. Default: what the quota leaves.'),
  content_types: z.array(mediaType).max(50).describe('Media types that may come, as their sender says, `image/*` too. Default: any.'),
  group: z.string().max(100).nullable().describe('ID of the group that the files go into.'),
  max_uses: z.int().min(1).max(1_000_000).describe('Uploads. Default 1; one that fails counts nothing.'),
  expires_in: z.int().min(1).max(longestSeconds).describe('Seconds. Default a day.')
}).partial()

const limits = z.object({
  name: z.string(),
  max_bytes: z.int().nullable(),
  content_types: z.array(z.string()),
  max_uses: z.int(),
  uses: z.int(),
  expires_at: time
})
const addresses = {
  secret: z.string().describe('It is shown only once.'),
  page_url: z.string().describe('The page on which people upload with it.'),
  url: z.string().describe('Takes a multipart POST.'),
  resumable_url: z.string().describe('Takes resumable uploads (tus 1.0).')
}
const link = limits.extend({ id: z.string(), group: z.string().nullable(), created_at: time, revoked_at: time.nullable() })

/** One-time upload links: their owner makes them, and whoever has one uploads into the owner's account. */
export function linkRoutes (deps: LinkRoutesDeps): ServiceRoute[] {
  return [
    createLink(deps), listLinks(deps), revokeLink(deps), linkLimits(deps), uploadWithLink(deps)
  ]
}

const createLink = ({ uploads: { links }, now }: LinkRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/links',
  access: write,
  body: newLink,
  doc: {
    tag,
    summary: 'Make a link with which others can upload into your account, without a key',
    responses: [
      successDoc(link.extend({ ...addresses }), { status: 201, message: true }),
      { status: 404, about: 'There is no such group of yours.' }
    ]
  },
  handler: async ({ caller: { user }, body, baseUrl }) => {
    const {
      name = '', max_bytes: maxBytes = null, content_types: contentTypes = [], group = null, max_uses: maxUses = 1,
      expires_in: seconds = daySeconds
    } = body
    const made = await links.create(
      { id: user.id, workspace: user.workspace_id }, { name, maxBytes, contentTypes, group, maxUses, expiresAt: now() + seconds * 1000 }
    )
    return success({
      status: 201, message: 'Upload link created successfully', data: { ...linkJson(made.link), ...addressesOf(made.secret, baseUrl) }
    })
  }
})

const listLinks = ({ uploads: { links } }: LinkRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: '/api/v1/links',
  access: write,
  doc: { tag, summary: 'Your upload links, newest first', responses: [successDoc(z.array(link))] },
  handler: async ({ caller: { user } }) => success({ data: (await links.list(user.id)).map(linkJson) })
})

const revokeLink = ({ uploads: { links } }: LinkRoutesDeps): ServiceRoute => serviceRoute({
  method: 'DELETE',
  path: '/api/v1/links/{id}',
  access: write,
  doc: {
    tag, summary: 'Revoke an upload link', params: { id: 'As in the list' },
    responses: [successDoc(undefined, { message: true }), { status: 404, about: 'There is no such link of yours.' }]
  },
  handler: async ({ caller: { user }, params: { id = '' } }) => {
    await links.revoke(user.id, id)
    return success({ message: 'Upload link revoked successfully' })
  }
})

const linkLimits = ({ uploads: { links } }: LinkRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: '/api/v1/links/{secret}/limits',
  access: 'open',
  doc: { tag, summary: 'What a link allows', params: secretParam, responses: [successDoc(limits), missing] },
  handler: async ({ params: { secret = '' } }) => success({ data: limitsJson(await links.find(secret)) })
})

const uploadWithLink = ({ uploads }: LinkRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/links/{secret}/upload',
  access: 'open',
  query: uploadOptions,
  upload: 'multipart/form-data',
  doc: { tag, summary: 'Upload with a link', params: secretParam, responses: strangersDoc },
  handler: async call => await takeUpload(call, uploaderWith(await uploads.links.find(call.params.secret ?? '')), uploads)
})

/** What the document says of `{secret}`. */
export const secretParam = { secret: 'The secret of the link' }
const missing = { status: 404, about: 'There is no such link, or it has expired, was revoked or is used up.' }

/** A link's holder uploads into the account of who made it. */
export const uploaderWith = (row: LinkRow): Uploader => ({ user: row.user_id, workspace: row.workspace_id, link: row })

/** The page has the secret behind a `#`, which browsers send to nobody: it stays out of the logs of whatever lies between. */
function addressesOf (secret: string, baseUrl: string): z.infer<z.ZodObject<typeof addresses>> {
  const url = `${baseUrl}/api/v1/links/${secret}`
  return { secret, page_url: `${baseUrl}/send#${secret}`, url: `${url}/upload`, resumable_url: `${url}/uploads` }
}

function limitsJson (row: LinkRow): z.infer<typeof limits> {
  const { name, max_bytes: bytes, content_types: types, max_uses, uses, expires_at: expiresAt } = row
  return { name, max_bytes: bytes, content_types: JSON.parse(types) as string[], max_uses, uses, expires_at: timeText(expiresAt) }
}

function linkJson (row: LinkRow): z.infer<typeof link> {
  return {
    id: row.id, ...limitsJson(row), group: row.group_id, created_at: timeText(row.created_at), revoked_at: timeOrNull(row.revoked_at)
  }
}
