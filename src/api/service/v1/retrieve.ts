import { isFolderName } from '../../common/folder-name.ts'
import type { Clock } from '../../../base/clock.ts'
import { percentEncode } from '../../../base/text/percent-encode.ts'
import type { HeaderList, Reply } from '../../../http/answer/reply.ts'
import type { ByteRange, DagReader } from '../../../ipfs/dag-reader.ts'
import type { FileContent, Files } from '../../../service/files/files.ts'
import { byteRangesOf } from '../../common/byte-range.ts'
import { hasAlready } from '../../common/conditional.ts'
import { typeOfName } from '../../common/content-type.ts'
import { nameBelow, tarTree } from '../../common/dag/tar-tree.ts'
import { tarEnd } from '../../common/dag/tar.ts'
import { bodiless, stream } from '../answers.ts'
import type { ServiceCall, ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'

export interface RetrieveDeps { files: Pick<Files, 'open'>, reader: DagReader, clock: Clock }

/** Content of a file, to keep: never shown by a browser as a page of this origin. */
export const retrieveRoute = (deps: RetrieveDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: '/api/v1/files/retrieve/{cid}',
  access: { permission: 'files:read' },
  doc: {
    tag: 'Files',
    summary: 'Content of a file; a directory comes as a tar',
    params: { cid: 'CID of a file of yours' },
    responses: [
      { status: 200, about: 'The content.', contentType: '*/*' },
      { status: 206, about: 'The part that `Range` asks for.', contentType: '*/*' },
      { status: 304, about: 'What `If-None-Match` names.' },
      { status: 404, about: 'No file of yours has this CID.' },
      { status: 416, about: 'The range is outside of the content.' },
      { status: 504, about: 'The content can not be fetched any more: it was unpinned.' }
    ]
  },
  handler: async call => {
    const content = await deps.files.open(call.caller.user.id, call.params.cid ?? '', { signal: call.signal })
    return content.kind === 'tree' ? tarReply(call, content, deps) : bytesReply(call, content)
  }
})

async function bytesReply (call: ServiceCall, { file, sizeBytes, read }: FileContent & { kind: 'bytes' }): Promise<Reply> {
  const etag = `"${file.cid}"`
  if (hasAlready(call.headers, [etag])) return bodiless(304, [['Etag', etag]])
  const ranges = call.headers.range == null ? undefined : byteRangesOf(call.headers, { size: sizeBytes, etag })
  if (ranges === 'unsatisfiable') return bodiless(416, [['Content-Range', `bytes */${sizeBytes}`], ['Accept-Ranges', 'bytes']])
  // of several ranges the first one is sent: a client asks again for what is missing
  const [range] = ranges ?? []
  const part: ByteRange = range ?? { from: 0, before: sizeBytes }
  return stream(call, {
    status: range == null ? 200 : 206,
    headers: [
      ['Content-Type', contentTypeOf(file)],
      ['Content-Length', String(part.before - part.from)],
      ...(range == null ? [] : [['Content-Range', `bytes ${range.from}-${range.before - 1}/${sizeBytes}`] as const]),
      ['Accept-Ranges', 'bytes'],
      ['Content-Disposition', attachment(file.original_filename)],
      ...caching(etag)
    ],
    source: () => read(part, { signal: call.signal })
  })
}

async function tarReply (
  call: ServiceCall, { file, node, get, joined }: FileContent & { kind: 'tree' }, { reader, clock }: RetrieveDeps
): Promise<Reply> {
  const etag = `W/"${file.cid}.x-tar"`
  if (hasAlready(call.headers, [etag])) return bodiless(304, [['Etag', etag]])
  const root = folderName(file.original_filename, file.cid)
  const now = { seconds: Math.floor(clock.now() / 1000), nanoseconds: 0 }
  return stream(call, {
    headers: [['Content-Type', 'application/x-tar'], ['Content-Disposition', attachment(`${root}.tar`)], ...caching(etag)],
    source: async function * () {
      yield * tarTree(root, node, { reader, get, joined, now, nameOf: nameBelow(root) })
      yield tarEnd
    }
  })
}

/** Content under a CID never changes, but it is this user's alone. */
const caching = (etag: string): HeaderList => [['Etag', etag], ['Cache-Control', 'private, max-age=31536000, immutable']]

const unknownType = 'application/octet-stream'
const contentTypeOf = ({ content_type: type, original_filename: name }: { content_type: string, original_filename: string }): string =>
  type === '' || type === unknownType ? typeOfName(name) ?? unknownType : headerText(type)

// eslint-disable-next-line no-control-regex
const headerText = (text: string): string => text.replace(/[\x00-\x1f\x7f-\uffff]/g, '')

/** The name in ASCII for old clients, and as it is. */
function attachment (name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\]/g, '_')
  const escaped = percentEncode(name).replace(/['()*]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
  return `attachment; filename="${plain}"; filename*=UTF-8''${escaped}`
}

/** What the folder in the archive is called. */
function folderName (name: string, cid: string): string {
  const stem = name.replace(/\.(?:tar|car)$/, '')
  return isFolderName(stem) ? stem : cid
}
