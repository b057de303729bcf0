import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { ClusterError } from '../../../base/errors.ts'
import { HttpError } from '../../../http/error-dialect.ts'
import type { HeaderList, Reply } from '../../../http/answer/reply.ts'
import type { Denial, Denylist } from '../../../ipfs/denylist.ts'
import { parseCid } from '../../../model/cid.ts'
import type { CID } from '../../../model/cid.ts'
import type { GatewayAccess } from '../../../service/files/files.ts'
import { hasAlready } from '../../common/conditional.ts'
import type { ServiceCall, ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'

export interface GatewayRoutesInit {
  /** Of another gateway: "https://ipfs.example". Empty: content is served here, below `/ipfs/`. */
  gatewayUrl: string
  /** Whether content that nobody of the service has is served, too. */
  isOpen: boolean
}

export interface GatewayRoutesDeps {
  access: GatewayAccess
  denylist?: Denylist | undefined
  /** This peer's own gateway: answers `/ipfs/…`. */
  content: RequestListener
}

const tag = 'Gateway'

/**
 * `/api/gateway/{cid}[/path]`: content is pinned when somebody asks for it first, views are counted, and the reader is sent on to where it
 * is served.
 */
export function gatewayRoutes (init: GatewayRoutesInit, deps: GatewayRoutesDeps): ServiceRoute[] {
  return [
    serviceRoute({
      method: 'GET',
      path: '/api/gateway/{path:.*}',
      access: 'open',
      fast: true,
      doc: {
        tag,
        summary: 'Read content: pins what is only staged, counts a view, and redirects to the gateway',
        params: { path: 'CID, perhaps with a path below it' },
        responses: [
          { status: 302, about: 'Where it is served.' },
          { status: 304, about: 'What `If-None-Match` names.' },
          { status: 404, about: 'Nobody of this service has it.' },
          { status: 410, about: 'It is on the denylist.' },
          { status: 451, about: 'It is on the denylist, for legal reasons.' }
        ]
      },
      handler: async call => arrive(call, init, deps)
    }),
    ...['/ipfs/{path:.*}', '/ipns/{path:.*}'].map(path => serviceRoute({
      method: 'GET',
      path,
      access: 'open',
      fast: true,
      doc: {
        tag,
        summary: "This peer's IPFS gateway",
        params: { path: 'CID or name, perhaps with a path below it' },
        hasOwnErrors: true,
        responses: gatewayAnswers
      },
      handler: ({ request, response }) => {
        deps.content(request, response)
        return null
      }
    }))
  ]
}

/** Of the gateway specification. */
const gatewayAnswers = [
  { status: 200, about: 'The content, as the gateway specification has it.', contentType: '*/*' },
  { status: 206, about: 'The range that was asked for.', contentType: '*/*' },
  { status: 301, about: 'Where it is: a directory with a slash at its end, or a host of its own.', contentType: '*/*' },
  { status: 302, about: 'Where it is, for now.', contentType: '*/*' },
  { status: 304, about: 'What `If-None-Match` names.' },
  { status: 406, about: 'The content can not be given in the requested format.' },
  { status: 410, about: 'It is on the denylist.' },
  { status: 412, about: '`only-if-cached`: it is not here.' },
  { status: 416, about: 'There is nothing in the range.' },
  { status: 451, about: 'It is on the denylist, for legal reasons.' },
  { status: 501, about: 'Names of this kind are not looked up here.' },
  { status: 502, about: 'No peer has it, or its name can not be resolved.' }
]

async function arrive (
  call: ServiceCall, { gatewayUrl, isOpen }: GatewayRoutesInit, { access, denylist }: GatewayRoutesDeps
): Promise<Reply> {
  const [root = '', ...names] = (call.params.path ?? '').replace(/^\/+/, '').split('/')
  const cid = parseCid(root)
  refuseDenied(denylist, cid, names)
  const known = await access.find(root)
  if (known == null && !isOpen) throw new ClusterError('NOT_FOUND', { cid: root }, { message: 'nobody here has this CID' })
  const etag = `"${cid.toString()}"`
  if (names.length === 0 && hasAlready(call.headers, [etag])) return bodyless(304, [['Etag', etag]])
  if (call.method === 'GET' && known != null) {
    await access.begin(known)
    if (isView(call.headers)) access.viewed(known)
  }
  const location = `${gatewayUrl.replace(/\/+$/, '')}/ipfs/${cid.toString()}${asItCame(call, root)}`
  // a reader who comes again is counted again
  return bodyless(302, [['Location', location], ['Cache-Control', 'no-store']])
}

const bodyless = (status: number, headers: HeaderList): Reply => ({ kind: 'text', status, contentType: null, body: '', headers })

/** Path and query behind the CID, in the client's own escapes. */
function asItCame ({ request }: ServiceCall, root: string): string {
  const [, rest = ''] = /^[^?]*?\/api\/+gateway\/+[^/?]*(.*)$/s.exec(request.url ?? '') ?? []
  if (root === '') return ''
  // eslint-disable-next-line no-control-regex
  return rest.replace(/[\x00-\x20\x7f-\uffff"<>\\^`{|}]/g, escapedBytes)
}

const escapedBytes = (text: string): string =>
  [...Buffer.from(text, 'latin1')].map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')

/** A read that begins at the beginning; players and download managers ask for later parts of the same read. */
function isView ({ range }: IncomingHttpHeaders): boolean {
  const first = /^\s*bytes\s*=\s*(\d*)\s*-/i.exec(range ?? '')?.[1]
  return first == null || (first !== '' && Number(first) === 0)
}

function refuseDenied (denylist: Denylist | undefined, cid: CID, names: readonly string[]): void {
  if (denylist == null || denylist.count() === 0) return
  const denial: Denial | undefined = denylist.checkCid(cid) ?? denylist.checkPath(['/ipfs', cid.toString(), ...names].join('/'))
  if (denial == null) return
  denylist.refused(denial)
  throw new HttpError(denial.reason === 'legal' ? 451 : 410, 'this content is not served here')
}
