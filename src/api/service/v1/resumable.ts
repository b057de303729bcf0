import { Server } from '@tus/server'
import { z } from 'zod'
import type { Clock, Random } from '../../../base/clock.ts'
import { HttpError } from '../../../http/error-dialect.ts'
import type { HeaderList, Reply } from '../../../http/answer/reply.ts'
import { canonicalHeader } from '../../../http/answer/reply.ts'
import { opaqueId } from '../../../service/sql/ids.ts'
import type { ResumableUpload, Uploads } from '../../../service/uploads/uploads.ts'
import { success, successDoc, time, timeText } from '../answers.ts'
import type { ServiceCall, ServiceResponseDoc, ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { secretParam, uploaderWith } from './links.ts'
import type { TusRequest } from './tus-store.ts'
import { uploadEvents } from './upload-events.ts'
import { refuseOtherLink, TusStore } from './tus-store.ts'

export interface ResumableRoutesDeps { uploads: Uploads, clock: Clock, random: Random }

const tag = 'Resumable uploads'
const write = { permission: 'files:write' } as const
/** The answer to the last bytes waits so long for the CID. */
const settledWithinMs = 5000

const upload = z.object({
  id: z.string(),
  state: z.enum(['open', 'finishing', 'done', 'failed']).describe('`finishing`: all bytes are there, the file is being made.'),
  offset: z.int().describe('Bytes that are safe.'),
  length: z.int().nullable(),
  name: z.string(),
  content_type: z.string(),
  cid: z.string().nullable(),
  error: z.string().nullable(),
  created_at: time,
  expires_at: time
})

const version = { about: 'The version of the protocol: 1.0.0.', isRequired: true, schema: z.literal('1.0.0') }
const headers = {
  POST: {
    'Tus-Resumable': version,
    'Upload-Length': { about: 'All bytes; else `Upload-Defer-Length: 1`.' },
    'Upload-Defer-Length': { about: '`1`: the length comes later.' },
    'Upload-Metadata': {
      about: 'Pairs of a name and a value in base64, with commas between: `filename`, `filetype`, `pin`, `format`, `name`, `group`, `meta`.'
    }
  },
  HEAD: { 'Tus-Resumable': version },
  PATCH: {
    'Tus-Resumable': version,
    'Upload-Offset': { about: 'Where the bytes go: where the upload is.', isRequired: true },
    'Upload-Length': { about: 'All bytes, when that was not said at the beginning.' }
  },
  DELETE: { 'Tus-Resumable': version },
  GET: {}
} satisfies Record<string, NonNullable<ServiceRoute['doc']['headers']>>

const wrongVersion = { status: 412, about: 'The header Tus-Resumable is missing, or of another version.' }
const wrongHeaders = { status: 403, about: 'The account is suspended; or Upload-Offset or Content-Type are missing (as tus has it).' }
const tooLarge = { status: 413, about: 'More than its length, or than the link allows.' }
const elsewhere = { status: 409, about: 'Another request continues the upload, or it has all of its bytes.' }
const full = { status: 422, about: 'It does not fit into the quota.' }

const summaries = {
  POST: 'Begin a resumable upload (tus 1.0: Upload-Length or Upload-Defer-Length, Upload-Metadata with filename, filetype, pin, format, group, meta)',
  HEAD: 'How many bytes are safe (tus 1.0)',
  GET: 'How an upload is, and which CID it has become',
  PATCH: 'Send bytes from an offset on (tus 1.0)',
  DELETE: 'End an upload, and remove what came of it (tus 1.0)'
}

/** tus 1.0 on the service's uploads: for accounts, and for who has an upload link. */
export function resumableRoutes ({ uploads, clock, random }: ResumableRoutesDeps): ServiceRoute[] {
  const store = new TusStore(uploads.resumable)
  const tus = tusServer(store, random)
  const account = async ({ caller: { user }, baseUrl, method }: ServiceCall): Promise<TusRequest> =>
    ({
      uploader: { user: user.id, workspace: user.workspace_id }, url: `${baseUrl}/api/v1/uploads`, link: null, isWrite: method === 'PATCH'
    })
  const holder = async ({ params: { secret = '' }, baseUrl, method }: ServiceCall): Promise<TusRequest> => {
    const row = await (method === 'POST' ? uploads.links.find(secret) : uploads.links.owner(secret))
    return { uploader: uploaderWith(row), url: `${baseUrl}/api/v1/links/${secret}/uploads`, link: row.id, isWrite: method === 'PATCH' }
  }
  return [
    serviceRoute({
      method: 'GET',
      path: '/api/v1/uploads',
      access: write,
      doc: { tag, summary: 'Your resumable uploads that can still be asked for, newest first', responses: [successDoc(z.array(upload))] },
      handler: async ({ caller: { user } }) => success({ data: (await uploads.resumable.list(user.id)).map(uploadJson) })
    }),
    serviceRoute({
      method: 'GET',
      path: '/api/v1/uploads/events',
      access: write,
      doc: {
        tag, summary: 'How far your uploads of any kind are, as server-sent events, as this peer sees them',
        responses: [{ status: 200, about: 'Events `progress`: id, state, bytes, total, cid.', contentType: 'text/event-stream' }]
      },
      handler: ({ caller: { user }, signal }) => ({
        kind: 'lines', style: 'progress', contentType: 'text/event-stream', headers: [['Cache-Control', 'no-store']],
        source: uploadEvents(user.id, { uploads, clock }, signal)
      })
    }),
    ...tusRoutes('/api/v1/uploads', { access: write, requestOf: account, store, tus, uploads }),
    ...tusRoutes('/api/v1/links/{secret}/uploads', { access: 'open', requestOf: holder, store, tus, uploads })
  ]
}

interface TusRoutes {
  access: ServiceRoute['access'], requestOf: (call: ServiceCall) => Promise<TusRequest>, store: TusStore, tus: Server, uploads: Uploads
}

function tusRoutes (path: string, { access, requestOf, store, tus, uploads }: TusRoutes): ServiceRoute[] {
  const params = path.includes('{secret}') ? secretParam : {}
  const one = { path: `${path}/{id}`, access }
  const doc = (method: keyof typeof summaries, responses: ServiceResponseDoc[], more = {}) => ({
    tag, summary: summaries[method], params: { ...params, ...more }, headers: headers[method],
    responses: method === 'GET' ? responses : [...responses, wrongVersion, wrongHeaders]
  })
  const id = { id: 'As in the Location that the upload was given' }
  const pass = async (call: ServiceCall): Promise<Reply> => await throughTus(call, await requestOf(call), { store, tus, uploads })
  return [
    serviceRoute({
      method: 'POST', path, access, upload: 'application/offset+octet-stream',
      doc: doc(
        'POST',
        [
          { status: 201, about: 'Location is the address of the upload.' },
          { status: 404, about: 'There is no such group, or no such link.' }, elsewhere, tooLarge, full
        ]
      ),
      handler: pass
    }),
    serviceRoute({
      method: 'HEAD', ...one, doc: doc('HEAD', [{ status: 200, about: 'Upload-Offset and Upload-Length.' }], id), handler: pass
    }),
    serviceRoute({
      method: 'PATCH', ...one, upload: 'application/offset+octet-stream',
      doc: doc(
        'PATCH',
        [{ status: 204, about: 'Upload-Offset; after the last bytes also X-Upload-State and X-Upload-Cid.' }, elsewhere, tooLarge, full], id
      ),
      handler: pass
    }),
    serviceRoute({
      method: 'DELETE', ...one,
      doc: doc('DELETE', [{ status: 204, about: 'It is removed.' }, { status: 409, about: 'Its file is being made.' }], id), handler: pass
    }),
    serviceRoute({
      method: 'GET',
      ...one,
      doc: doc('GET', [successDoc(upload)], id),
      handler: async call => {
        const { uploader: { user }, link } = await requestOf(call)
        const found = await uploads.resumable.get(user, call.params.id ?? '')
        refuseOtherLink(found, link)
        return success({ data: uploadJson(found) })
      }
    })
  ]
}

function tusServer (store: TusStore, random: Random): Server {
  return new Server({
    path: '/uploads',
    datastore: store,
    namingFunction: () => opaqueId(random),
    generateUrl: (_request, { id }) => `${store.requests.getStore()?.url ?? ''}/${id}`,
    getFileIdFromRequest: (_request, last) => last
  })
}

/** Hands a request to the tus server, and its answer back. */
async function throughTus (
  call: ServiceCall, request: TusRequest, { store, tus, uploads }: Pick<TusRoutes, 'store' | 'tus' | 'uploads'>
): Promise<Reply> {
  // the tus server has 400 for other versions
  if ((call.headers['tus-resumable'] ?? '1.0.0') !== '1.0.0') throw new HttpError(412, 'Tus-Resumable must be 1.0.0')
  const response = await store.requests.run(request, async () => tus.handleWeb(webRequest(call)))
  const text = await response.text()
  const headers = headersOf(response)
  if (response.status >= 400) {
    if (request.failure != null) throw request.failure
    throw new HttpError(response.status, text.trim() || 'the upload is not possible')
  }
  const fate = call.method === 'PATCH'
    ? await fateOf(call, request, { uploads, offset: Number(response.headers.get('Upload-Offset')) })
    : []
  return { kind: 'text', status: response.status, contentType: null, body: '', headers: [...headers, ...fate] }
}

/** After the last bytes: what became of them, if that is known soon. */
async function fateOf (
  { params: { id = '' }, signal }: ServiceCall, { uploader: { user } }: TusRequest,
  { uploads: { resumable }, offset }: { uploads: Uploads, offset: number }
): Promise<HeaderList> {
  const { length } = await resumable.get(user, id)
  if (length !== offset) return []
  const { state, cid } = await resumable.settled(user, id, { withinMs: settledWithinMs, signal })
  return [['X-Upload-State', state], ...(cid == null ? [] : [['X-Upload-Cid', cid] as const])]
}

function webRequest ({ method, path, headers, raw }: ServiceCall): Request {
  const hasBody = method === 'POST' || method === 'PATCH'
  return new Request(`http://tus.invalid${encodeURI(path)}`, {
    method,
    headers: Object.entries(headers).flatMap(
      ([name, value]) => typeof value === 'string' && tusHeaders.test(name) ? [[name, value] as [string, string]] : []
    ),
    ...(hasBody ? { body: ReadableStream.from(untilCut(raw.chunks())), duplex: 'half' } : {})
  } as RequestInit)
}

const tusHeaders = /^(tus-|upload-|content-length$|content-type$)/

/** A body that breaks off ends: what came of it counts, and the upload is free for the request that goes on with it. */
async function * untilCut (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield * chunks
  } catch {
    // the client is gone, and asks again
  }
}

/** CORS is up to the request pipeline. */
function headersOf (response: Response): HeaderList {
  return [...response.headers].filter(
    ([name]) => !name.startsWith('access-control-') && name !== 'content-length' && name !== 'content-type'
  ).map(([name, value]) => [canonicalHeader(name), value] as const)
}

function uploadJson (
  { id, state, offset, length, name, contentType, cid, error, createdAt, expiresAt }: ResumableUpload
): z.infer<typeof upload> {
  return {
    id, state, offset, length, name, content_type: contentType, cid, error, created_at: timeText(createdAt), expires_at: timeText(expiresAt)
  }
}
