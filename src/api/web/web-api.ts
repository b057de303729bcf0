import { isIP } from 'node:net'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { commonLogLine } from '../../http/access-log.ts'
import { RequestContext } from '../../http/request-context.ts'
import { parseTarget } from '../../http/routing/path.ts'
import type { HeaderList } from '../../http/answer/reply.ts'
import { jsonReply } from '../../http/answer/reply.ts'
import { sendText } from '../../http/answer/send.ts'
import { HttpServer } from '../../http/server.ts'
import type { Arrival } from '../../http/request/trusted-proxies.ts'
import { TrustedProxies } from '../../http/request/trusted-proxies.ts'
import { isBelow, mount } from '../common/mount.ts'
import { isReading, isSameOrigin } from '../common/same-origin.ts'
import type { SiteInit } from '../common/site-init.ts'
import type { WebSite, WebPages } from './web-pages.ts'

/** The section `api.webui` of service.json. */
export interface WebApiInit extends SiteInit {
  /** Whether the REST API asks for credentials. Without them a page must have come from this machine's own names. */
  hasCredentials: boolean
}

export interface WebApiDeps {
  /** Null: they weren't built. */
  pages: ((site: (context: RequestContext) => WebSite) => WebPages) | null
  site: (arrival: Arrival) => WebSite
  /** The REST API, for paths from its own root. Writes the access log of what it answers. */
  rest: RequestListener
  clock: Clock
  log: Logger
}

const restPrefix = '/api/cluster'

/** The web pages of the cluster on a listener of their own, and the REST API below `/api/cluster` for them. */
export function webApi (init: WebApiInit, deps: WebApiDeps): HttpServer {
  const pipeline = new WebPipeline(init, deps)
  const listener: RequestListener = (request, response) => pipeline.take(request, response)
  return new HttpServer({
    name: 'webui',
    listen: init.listen,
    tls: init.tls,
    maxHeaderBytes: init.maxHeaderBytes,
    readTimeoutMs: 0,
    readHeaderTimeoutMs: init.readHeaderMs,
    writeTimeoutMs: 0,
    idleTimeoutMs: init.idleMs,
    maxConnections: init.maxConnections
  }, { listener: init.wrap?.(listener) ?? listener, clock: deps.clock, log: deps.log })
}

class WebPipeline {
  readonly #init: WebApiInit
  readonly #deps: WebApiDeps
  readonly #pages: WebPages | null
  readonly #proxies: TrustedProxies

  constructor (init: WebApiInit, deps: WebApiDeps) {
    this.#init = init
    this.#deps = deps
    this.#proxies = new TrustedProxies(init.trustedProxies)
    this.#pages = deps.pages?.(context => deps.site(this.#proxies.arrivalOf(context.request))) ?? null
  }

  take (request: IncomingMessage, response: ServerResponse): void {
    const target = parseTarget(request.url ?? '/')
    const context = new RequestContext({ request, response, target: target ?? { path: '/', query: '' } })
    if (target != null && isBelow(target.path, restPrefix)) {
      this.#askRest(context)
      return
    }
    this.#logAtEnd(context)
    if (target == null) this.#refuse(context, 400, 'the path has a broken escape')
    else if (this.#pages == null && target.path === '/') this.#refuse(context, 503, 'the web pages are not built: npm run build:web')
    else if (this.#pages?.answer(context) !== true) this.#refuse(context, 404, 'there is nothing of this name')
  }

  #askRest (context: RequestContext): void {
    const refusal = this.#refusalOf(context)
    if (refusal != null) {
      this.#logAtEnd(context)
      this.#refuse(context, 403, refusal)
      return
    }
    mount(context.request, restPrefix)
    this.#deps.rest(context.request, context.response)
  }

  /** Where no credentials are asked for, whoever can make a browser ask could do anything: only this peer's own pages may. */
  #refusalOf ({ method, headers, request }: RequestContext): string | null {
    const arrival = this.#proxies.arrivalOf(request)
    const baseUrl = this.#init.publicUrl === '' ? `${arrival.scheme}://${arrival.host}` : this.#init.publicUrl
    if (!isReading(method) && !isSameOrigin(headers, baseUrl) && headers.authorization == null) {
      return 'only pages of this peer, or who has credentials, can change something here'
    }
    // a name of somebody else's that leads to this machine makes their page look like ours
    if (!this.#init.hasCredentials && !isOwnName(arrival.host, this.#init.publicUrl)) {
      return 'this name is not one of this peer: set public_url, or credentials of the REST API'
    }
    return null
  }

  #refuse (context: RequestContext, status: number, message: string): void {
    const headers: HeaderList = [['X-Content-Type-Options', 'nosniff']]
    sendText(context, jsonReply(JSON.stringify({ code: status, message }), status, headers), this.#deps.clock)
  }

  #logAtEnd (context: RequestContext): void {
    const { logLine } = this.#init
    if (logLine == null) return
    const receivedAt = this.#deps.clock.now()
    context.response.once(
      'close', () => logLine(commonLogLine(context, this.#proxies.arrivalOf(context.request).address || '-', receivedAt))
    )
  }
}

/** Addresses, `localhost`, and what the configuration says: names that nobody else can point here. */
function isOwnName (host: string, publicUrl: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (name === '' || isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost')) return true
  return URL.canParse(publicUrl) && new URL(publicUrl).hostname === name
}
