import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { isFault } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { commonLogLine } from './access-log.ts'
import type { Authenticator } from './request/auth.ts'
import type { Cors } from './cors.ts'
import type { ErrorDialect } from './error-dialect.ts'
import { errorReply, unreadable } from './error-dialect.ts'
import { RequestContext } from './request-context.ts'
import { sendLines } from './answer/lines.ts'
import { parseTarget, redirectOf } from './routing/path.ts'
import type { HeaderList, Reply, TextReply } from './answer/reply.ts'
import type { Route } from './routing/route.ts'
import { Router } from './routing/router.ts'
import { sendRaw, sendText } from './answer/send.ts'
import type { TickBudget } from './answer/tick-budget.ts'

export interface PipelineInit {
  routes: readonly Route[]
  /** Added to every answer of a handler, to errors and to 401s. */
  headers: HeaderList
  /** Where this API is, on a listener of another one: what redirects begin with. Default: ''. */
  prefix?: string
}

export interface PipelineDeps {
  dialect: ErrorDialect
  cors: Cors | null
  /** Null: everybody may do everything. */
  authenticator: Authenticator | null
  /** Gets one Apache common-log line per request. */
  logLine: ((line: string) => void) | null
  /** The client's address, for that line. Default: the connection's. */
  remoteOf?: (request: IncomingMessage) => string
  /** Of the event loop, shared with whoever else writes much. */
  tickBudget?: Pick<TickBudget, 'take'> | undefined
  clock: Clock
  log: Logger
}

/**
 * All that happens between the socket and a handler, outside in as in Go: log, credentials, CORS, slashes, routes. Every error of a handler
 * becomes an answer in the API's dialect; nothing that a client sends gets further up.
 */
export function httpPipeline (init: PipelineInit, deps: PipelineDeps): RequestListener {
  const pipeline = new Pipeline(init, deps)
  return (request, response) => pipeline.take(request, response)
}

class Pipeline {
  readonly #headers: HeaderList
  readonly #prefix: string
  readonly #deps: PipelineDeps
  readonly #router: Router<Route>

  constructor (init: PipelineInit, deps: PipelineDeps) {
    this.#headers = init.headers
    this.#prefix = init.prefix ?? ''
    this.#deps = deps
    this.#router = new Router({ routes: init.routes }, {
      matched: (context, match) => {
        context.match = match
        if (this.#isAdmitted(context)) this.#run(context)
      },
      unmatched: context => { if (this.#isAdmitted(context)) this.#unmatched(context) },
      failed: (context, err) => this.#fail(context, err)
    })
  }

  take (request: IncomingMessage, response: ServerResponse): void {
    const target = parseTarget(request.url ?? '/')
    if (target == null) {
      this.#refuseTarget(response)
      return
    }
    const context = new RequestContext({ request, response, target })
    if (this.#deps.logLine != null) this.#logAtEnd(context, this.#deps.logLine)
    this.#router.route(context)
  }

  /** A target that isn't one: Go's server answers by itself and closes. */
  #refuseTarget (response: ServerResponse): void {
    const { contentType, text } = this.#deps.dialect.body(400, unreadable)
    response.removeHeader('connection')
    response.removeHeader('date')
    response.writeHead(400, ['Content-Type', contentType, 'Connection', 'close'])
    response.end(text)
  }

  /** What comes before a handler, once it is known which: false when that was the answer. */
  #isAdmitted (context: RequestContext): boolean {
    if (!this.#hasCredentials(context) || this.#answerPreflight(context)) return false
    const redirect = redirectOf({ path: context.path, query: context.query.raw })
    if (redirect == null) return true
    this.#redirect(context, redirect)
    return false
  }

  #logAtEnd (context: RequestContext, logLine: (line: string) => void): void {
    const { request, response } = context
    const receivedAt = this.#deps.clock.now()
    const remote = this.#deps.remoteOf?.(request) ?? request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '-'
    response.on('close', () => logLine(commonLogLine(context, remote, receivedAt)))
  }

  /** False when the answer is a 401. OPTIONS and open routes need no credentials. */
  #hasCredentials (context: RequestContext): boolean {
    const { authenticator } = this.#deps
    if (authenticator == null || context.method === 'OPTIONS' || context.match?.route.access === 'open') return true
    const verdict = authenticator.check(context.headers.authorization)
    if ('principal' in verdict) {
      context.principal = verdict.principal
      return true
    }
    const challenges = verdict.challenges.map(challenge => ['Www-Authenticate', challenge] as const)
    context.answerHeaders = this.#headers
    this.#error(context, { status: 401, message: verdict.message, headers: challenges })
    return false
  }

  #answerPreflight (context: RequestContext): boolean {
    const { cors } = this.#deps
    if (cors == null) return false
    const headers = cors.preflight(context)
    if (headers == null) {
      context.answerHeaders = cors.actual(context)
      return false
    }
    this.#text(context, { kind: 'text', status: 204, contentType: null, body: '', headers })
    return true
  }

  #redirect (context: RequestContext, { status, location: path }: { status: 301 | 307, location: string }): void {
    const location = this.#prefix + path
    const page = status === 307 && context.method === 'GET'
    const body = page ? `<a href="${escapeHtml(location)}">Temporary Redirect</a>.\n\n` : ''
    this.#text(context, {
      kind: 'text', status, contentType: page ? 'text/html; charset=utf-8' : null, body, headers: [['Location', location]]
    })
  }

  #unmatched (context: RequestContext): void {
    const methods = this.#router.methodsOf(context.path)
    if (methods.length > 0) {
      // Go's own 405s have none of the configured headers; what Go answers with 404, a method that other routes have, has them
      if (this.#router.hasMethod(context.method)) this.#configure(context)
      this.#text(context, { kind: 'text', status: 405, contentType: null, body: '', headers: [['Allow', methods.join(', ')]] })
      return
    }
    this.#configure(context)
    this.#error(context, { status: 404, message: 'not found' })
  }

  #configure (context: RequestContext): void {
    if (this.#headers.length > 0) context.answerHeaders = [...context.answerHeaders, ...this.#headers]
  }

  #run (context: RequestContext): void {
    this.#configure(context)
    try {
      const reply = context.match?.route.handler(context)
      if (reply instanceof Promise) reply.then(value => this.#send(context, value)).catch(err => this.#fail(context, err))
      else if (reply != null) this.#send(context, reply)
    } catch (err) {
      this.#fail(context, err)
    }
  }

  #send (context: RequestContext, reply: Reply): void {
    if (reply.kind === 'text') this.#text(context, reply)
    else {
      const sent = reply.kind === 'lines' ? sendLines(context, reply, this.#deps) : sendRaw(context, reply)
      sent.catch(err => this.#fail(context, err))
    }
  }

  #text (context: RequestContext, reply: TextReply): void {
    if (!context.isGone) sendText(context, reply, this.#deps.clock)
  }

  #fail (context: RequestContext, err: unknown): void {
    if (context.response.headersSent || context.isGone) {
      this.#deps.log.debug('request ended early', { method: context.method, path: context.path, err })
      context.response.destroy()
      return
    }
    const { status, message, contentType, text } = errorReply(this.#deps.dialect, err)
    this.#logError(context, { status, message, ...(isFault(err) ? { err } : {}) })
    this.#text(context, { kind: 'text', status, contentType, body: text })
  }

  #error (context: RequestContext, { status, message, headers = [] }: { status: number, message: string, headers?: HeaderList }): void {
    this.#logError(context, { status, message })
    const { contentType, text } = this.#deps.dialect.body(status, message)
    this.#text(context, { kind: 'text', status, contentType, body: text, headers })
  }

  #logError (context: RequestContext, { status, message, ...more }: { status: number, message: string, err?: unknown }): void {
    const facts = { status, message, method: context.method, path: context.path.slice(0, 200), ...more }
    if (status >= 500) this.#deps.log.error('sending error response', facts)
    else this.#deps.log.debug('sending error response', facts)
  }
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&#34;')
