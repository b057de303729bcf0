import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import { invalidArgument, isFault } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { commonLogLine } from '../../http/access-log.ts'
import { cors } from '../../http/cors.ts'
import { RequestContext } from '../../http/request-context.ts'
import { sendLines } from '../../http/answer/lines.ts'
import { cleanPath, parseTarget } from '../../http/routing/path.ts'
import type { HeaderList, Reply } from '../../http/answer/reply.ts'
import type { RouteMatch } from '../../http/routing/route.ts'
import { Router } from '../../http/routing/router.ts'
import { sendRaw, sendText } from '../../http/answer/send.ts'
import type { Arrival, TrustedProxies } from '../../http/request/trusted-proxies.ts'
import type { Caller } from '../../service/accounts/accounts.ts'
import { isBelow, mount } from '../common/mount.ts'
import type { Admission } from './admission.ts'
import { CheckedCall, readInput } from './call.ts'
import type { Failure } from './error-dialect.ts'
import { failureOf, failureReply } from './error-dialect.ts'
import type { ServiceRoute } from './service-route.ts'

/**
 * Told of each answer that belongs to somebody, when it has ended. `contentBytes`: what was sent of stored content; 0 for all other
 * answers.
 */
export type OnAnswered = (answer: { user: string, contentBytes: number }) => void

export interface ServicePipelineInit {
  routes: readonly ServiceRoute[]
  /** What links begin with; '' for what the client says. */
  publicUrl: string
}

export interface ServicePipelineDeps {
  admission: Admission
  proxies: TrustedProxies
  answered: OnAnswered
  /** Why nothing is served for now; null: it is. */
  refusal: () => Error | null
  /** The web pages: false for what is none of their addresses. Null: there are none. */
  pages: ((context: RequestContext) => boolean) | null
  /** The REST API of the cluster for admins, for paths from its own root. Writes the access log of what it answers. Null: there is none. */
  cluster: RequestListener | null
  /** Gets one Apache common-log line per request. */
  logLine: ((line: string) => void) | null
  clock: Clock
  log: Logger
}

/** Keys work from pages of any site; cookies don't leave their own (no credentials here, SameSite there). */
const crossOrigin = cors({
  allowedOrigins: ['*'],
  allowedMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowedHeaders: ['*'],
  exposedHeaders: [
    'Content-Disposition', 'Content-Range', 'Location', 'Retry-After', 'Tus-Resumable', 'Upload-Expires', 'Upload-Length', 'Upload-Offset'
  ],
  allowCredentials: false,
  maxAgeSeconds: 600
})

const always: HeaderList = [['X-Content-Type-Options', 'nosniff'], ['Referrer-Policy', 'no-referrer']]
/** What users have stored runs no scripts on this origin, where sessions live. */
const isolated: HeaderList[number] = ['Content-Security-Policy', "default-src 'none'; sandbox"]

/**
 * All that happens between the socket and a handler of the service: log, CORS, routes, credentials and limits, checked input. Every error
 * becomes an answer in the words of the API that the path belongs to.
 */
export function servicePipeline (init: ServicePipelineInit, deps: ServicePipelineDeps): RequestListener {
  const pipeline = new ServicePipeline(init, deps)
  return (request, response) => pipeline.take(request, response)
}

class ServicePipeline {
  readonly #publicUrl: string
  readonly #deps: ServicePipelineDeps
  readonly #router: Router<ServiceRoute>

  constructor ({ routes, publicUrl }: ServicePipelineInit, deps: ServicePipelineDeps) {
    this.#publicUrl = publicUrl
    this.#deps = deps
    this.#router = new Router({ routes, headIsGet: true }, {
      matched: (context, match) => { this.#run(context, match).catch(err => this.#fail(context, err)) },
      // a slash at the end, or two for one, mean nothing: bodies would not survive a redirect with every client
      unmatched: (context, path) => {
        const plain = plainPath(path)
        if (plain === path) this.#unmatched(context)
        else this.#router.route(context, plain)
      },
      failed: (context, err) => this.#fail(context, err)
    })
  }

  take (request: IncomingMessage, response: ServerResponse): void {
    const target = parseTarget(request.url ?? '/')
    const context = new RequestContext({ request, response, target: target ?? { path: '/', query: '' } })
    context.answerHeaders = [...always, ...crossOrigin.actual(context)]
    if (target != null && this.#deps.cluster != null && isBelow(target.path, clusterPrefix)) {
      this.#askCluster(context, this.#deps.cluster).catch(err => {
        this.#logAtEnd(context)
        this.#fail(context, err)
      })
      return
    }
    this.#logAtEnd(context)
    const preflight = crossOrigin.preflight(context)
    if (preflight != null) this.#send(context, { kind: 'text', status: 204, contentType: null, body: '', headers: preflight })
    else if (target == null) this.#fail(context, invalidArgument('the path has a broken escape'))
    else this.#router.route(context)
  }

  /** For the web pages of admins: their session, or a key of theirs, is what counts there. */
  async #askCluster (context: RequestContext, cluster: RequestListener): Promise<void> {
    const { request, response } = context
    const refusal = this.#deps.refusal()
    if (refusal != null) throw refusal
    await this.#admit(context, { access: 'admin' })
    mount(request, clusterPrefix)
    for (const name of credentialHeaders) delete request.headers[name]
    cluster(request, response)
  }

  async #admit (context: RequestContext, route: Pick<ServiceRoute, 'access' | 'limit'>): Promise<Admitted> {
    const arrival = this.#deps.proxies.arrivalOf(context.request)
    const baseUrl = this.#publicUrl === '' ? `${arrival.scheme}://${arrival.host}` : this.#publicUrl
    return {
      arrival, baseUrl,
      caller: await this.#deps.admission.admit(route, { method: context.method, headers: context.headers, arrival, baseUrl })
    }
  }

  #unmatched (context: RequestContext): void {
    const known = this.#router.methodsOf(plainPath(context.path))
    const methods = [
      ...new Set([...known, ...(known.includes('GET') ? ['HEAD'] : []), ...(known.length > 0 ? ['OPTIONS'] : [])])
    ].toSorted()
    const allow: HeaderList = [['Allow', methods.join(', ')]]
    if (methods.length === 0 && this.#showPage(context)) return
    if (methods.length === 0) this.#refuse(context, { status: 404, message: 'there is nothing of this name', code: null, headers: [] })
    else if (context.method === 'OPTIONS') this.#send(context, { kind: 'text', status: 204, contentType: null, body: '', headers: allow })
    else this.#refuse(context, {
      status: 405, message: `${context.method} is not possible here: ${methods.join(', ')}`, code: null, headers: allow
    })
  }

  /** Pages have no headers for other origins: nobody else's page has to do with them. */
  #showPage (context: RequestContext): boolean {
    const before = context.answerHeaders
    context.answerHeaders = []
    if (this.#deps.pages?.(context) === true) return true
    context.answerHeaders = before
    return false
  }

  async #run (context: RequestContext, { route, params }: RouteMatch<ServiceRoute>): Promise<void> {
    const refusal = this.#deps.refusal()
    if (refusal != null) throw refusal
    const { arrival, baseUrl, caller } = await this.#admit(context, route)
    let isContent = false
    if (caller != null) {
      context.response.once('close', () => this.#deps.answered({ user: caller.user.id, contentBytes: isContent ? context.bytesSent : 0 }))
    }
    const input = await readInput(route, { context, params })
    const reply = await route.handler(new CheckedCall({ context, params, caller, address: arrival.address, baseUrl, ...input }))
    isContent = reply?.kind === 'raw'
    if (reply != null) this.#send(context, reply)
  }

  #send (context: RequestContext, reply: Reply): void {
    if (context.isGone) {
      if (reply.kind === 'raw') reply.body.destroy()
      return
    }
    if (reply.kind === 'text') sendText(context, reply, this.#deps.clock)
    else if (reply.kind === 'lines') sendLines(context, reply, { ...this.#deps, dialect }).catch(err => this.#fail(context, err))
    else {
      const policy = reply.headers.some(([name]) => name.toLowerCase() === 'content-security-policy') ? [] : [isolated]
      sendRaw(context, {
        ...reply, headers: [...context.answerHeaders, ...policy, ...reply.headers]
      }).catch(err => this.#fail(context, err))
    }
  }

  #fail (context: RequestContext, err: unknown): void {
    if (context.response.headersSent || context.isGone) {
      this.#deps.log.debug('request ended early', { method: context.method, path: withoutSecrets(context.path.slice(0, 200)), err })
      context.response.destroy()
      return
    }
    this.#refuse(context, failureOf(err), err)
  }

  #refuse (context: RequestContext, failure: Failure, err?: unknown): void {
    const facts = {
      status: failure.status, message: failure.message, method: context.method, path: withoutSecrets(context.path.slice(0, 200))
    }
    if (failure.status === 500)
      this.#deps.log.error('sending error response', isFault(err) || failure.code == null ? { ...facts, err } : facts)
    else this.#deps.log.debug('sending error response', facts)
    this.#send(context, failureReply(failure, context.path))
  }

  #logAtEnd (context: RequestContext): void {
    const { logLine, clock, proxies } = this.#deps
    if (logLine == null) return
    const receivedAt = clock.now()
    context.response.once(
      'close', () => logLine(withoutSecrets(commonLogLine(context, proxies.arrivalOf(context.request).address || '-', receivedAt)))
    )
  }
}

const clusterPrefix = '/api/cluster'
/** Of the service: the REST API has others. */
const credentialHeaders = ['authorization', 'cookie', 'x-api-key']

interface Admitted { arrival: Arrival, baseUrl: string, caller: Caller | null }

const plainPath = (path: string): string => cleanPath(path).replace(/(?<=.)\/$/, '')

/** For streams of lines that fail before their first. */
const dialect = {
  statusOf: (err: unknown) => failureOf(err).status,
  body: (status: number, message: string) => {
    const { contentType, body } = failureReply({ status, message, code: null, headers: [] }, '')
    return { contentType: contentType ?? '', text: String(body) }
  }
}

/** Secrets of upload links: they are part of paths. */
const linkSecret = /\bul_[0-9A-Za-z]+/g

/** A path, or a line with one, for the log: who reads that could use the link. */
const withoutSecrets = (text: string): string => text.replaceAll(linkSecret, 'ul_…')
