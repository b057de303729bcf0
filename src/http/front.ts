import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { isFault } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { commonLogLine } from './access-log.ts'
import type { Authenticator } from './auth.ts'
import type { Cors } from './cors.ts'
import type { ErrorDialect } from './dialect.ts'
import { errorReply } from './dialect.ts'
import { Exchange } from './exchange.ts'
import { sendLines } from './lines.ts'
import { parseTarget, redirectOf } from './path.ts'
import type { HeaderList, Reply, TextReply } from './reply.ts'
import type { Route } from './route.ts'
import { RouteTable } from './route.ts'
import { sendRaw, sendText } from './send.ts'
import type { Turns } from './turns.ts'

export interface FrontInit {
  routes: readonly Route[]
  /** Added to every answer of a handler, to errors and to 401s. */
  headers: HeaderList
  /** Where this API is, on a listener of another one: what redirects begin with. Default: ''. */
  prefix?: string
}

export interface FrontDeps {
  dialect: ErrorDialect
  cors: Cors | null
  /** Null: everybody may do everything. */
  authenticator: Authenticator | null
  /** Gets one Apache common-log line per request. */
  logLine: ((line: string) => void) | null
  /** The client's address, for that line. Default: the connection's. */
  remoteOf?: (request: IncomingMessage) => string
  /** Of the event loop, shared with whoever else writes much. */
  turns?: Pick<Turns, 'take'> | undefined
  clock: Clock
  log: Logger
}

/**
 * All that happens between the socket and a handler, outside in as in Go: log, credentials, CORS, slashes, routes. Every error of a handler
 * becomes an answer in the API's dialect; nothing that a client sends gets further up.
 */
export function httpFront (init: FrontInit, deps: FrontDeps): RequestListener {
  const front = new Front(init, deps)
  return (request, response) => front.take(request, response)
}

class Front {
  readonly #headers: HeaderList
  readonly #prefix: string
  readonly #deps: FrontDeps
  readonly #table: RouteTable
  /** Express is large and most requests do without it: it is loaded when the first route needs it. */
  #frame: ((exchange: Exchange) => void) | undefined
  #loading: Promise<void> | undefined

  constructor (init: FrontInit, deps: FrontDeps) {
    this.#headers = init.headers
    this.#prefix = init.prefix ?? ''
    this.#deps = deps
    this.#table = new RouteTable(init.routes)
  }

  take (request: IncomingMessage, response: ServerResponse): void {
    const target = parseTarget(request.url ?? '/')
    if (target == null) {
      refuseTarget(response)
      return
    }
    const match = this.#table.match(request.method ?? '', target.path)
    const exchange = new Exchange({ request, response, target, match })
    if (this.#deps.logLine != null) this.#logAtEnd(exchange, this.#deps.logLine)
    if (!this.#admit(exchange) || this.#answerPreflight(exchange)) return
    const redirect = redirectOf(target)
    if (redirect != null) this.#redirect(exchange, redirect)
    else if (match == null) this.#unmatched(exchange)
    else if (match.route.hot === true) this.#run(exchange)
    else this.#framed(exchange)
  }

  #framed (exchange: Exchange): void {
    if (this.#frame != null) {
      this.#frame(exchange)
      return
    }
    this.#loading ??= this.#loadFrame()
    this.#loading.then(() => this.#frame?.(exchange)).catch(err => this.#fail(exchange, err))
  }

  async #loadFrame (): Promise<void> {
    const { expressFrame } = await import('./express-frame.ts')
    this.#frame = expressFrame(this.#table, {
      run: exchange => this.#run(exchange),
      unmatched: exchange => this.#unmatched(exchange),
      failed: (exchange, err) => this.#fail(exchange, err)
    })
  }

  #logAtEnd (exchange: Exchange, logLine: (line: string) => void): void {
    const { request, response } = exchange
    const receivedAt = this.#deps.clock.now()
    const remote = this.#deps.remoteOf?.(request) ?? request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '-'
    response.once('close', () => logLine(commonLogLine(exchange, remote, receivedAt)))
  }

  /** False when the answer is a 401. OPTIONS and open routes need no credentials. */
  #admit (exchange: Exchange): boolean {
    const { authenticator } = this.#deps
    if (authenticator == null || exchange.method === 'OPTIONS' || exchange.match?.route.access === 'open') return true
    const verdict = authenticator.check(exchange.headers.authorization)
    if ('principal' in verdict) {
      exchange.principal = verdict.principal
      return true
    }
    const challenges = verdict.challenges.map(challenge => ['Www-Authenticate', challenge] as const)
    exchange.answerHeaders = this.#headers
    this.#error(exchange, { status: 401, message: verdict.message, headers: challenges })
    return false
  }

  #answerPreflight (exchange: Exchange): boolean {
    const { cors } = this.#deps
    if (cors == null) return false
    const headers = cors.preflight(exchange)
    if (headers == null) {
      exchange.answerHeaders = cors.actual(exchange)
      return false
    }
    this.#text(exchange, { kind: 'text', status: 204, contentType: null, body: '', headers })
    return true
  }

  #redirect (exchange: Exchange, { status, location: path }: { status: 301 | 307, location: string }): void {
    const location = this.#prefix + path
    const page = status === 307 && exchange.method === 'GET'
    const body = page ? `<a href="${escapeHtml(location)}">Temporary Redirect</a>.\n\n` : ''
    this.#text(exchange, {
      kind: 'text', status, contentType: page ? 'text/html; charset=utf-8' : null, body, headers: [['Location', location]]
    })
  }

  #unmatched (exchange: Exchange): void {
    const methods = this.#table.methodsOf(exchange.path)
    if (methods.length > 0) {
      // Go's own 405s have none of the configured headers; what Go answers with 404, a method that other routes have, has them
      if (this.#table.hasMethod(exchange.method)) this.#configure(exchange)
      this.#text(exchange, { kind: 'text', status: 405, contentType: null, body: '', headers: [['Allow', methods.join(', ')]] })
      return
    }
    this.#configure(exchange)
    this.#error(exchange, { status: 404, message: 'not found' })
  }

  #configure (exchange: Exchange): void {
    if (this.#headers.length > 0) exchange.answerHeaders = [...exchange.answerHeaders, ...this.#headers]
  }

  #run (exchange: Exchange): void {
    this.#configure(exchange)
    try {
      const reply = exchange.match?.route.handler(exchange)
      if (reply instanceof Promise) reply.then(value => this.#send(exchange, value)).catch(err => this.#fail(exchange, err))
      else if (reply != null) this.#send(exchange, reply)
    } catch (err) {
      this.#fail(exchange, err)
    }
  }

  #send (exchange: Exchange, reply: Reply): void {
    if (reply.kind === 'text') this.#text(exchange, reply)
    else {
      const sent = reply.kind === 'lines' ? sendLines(exchange, reply, this.#deps) : sendRaw(exchange, reply)
      sent.catch(err => this.#fail(exchange, err))
    }
  }

  #text (exchange: Exchange, reply: TextReply): void {
    if (!exchange.isGone) sendText(exchange, reply, this.#deps.clock)
  }

  #fail (exchange: Exchange, err: unknown): void {
    if (exchange.response.headersSent || exchange.isGone) {
      this.#deps.log.debug('request ended early', { method: exchange.method, path: exchange.path, err })
      exchange.response.destroy()
      return
    }
    const { status, message, contentType, text } = errorReply(this.#deps.dialect, err)
    this.#logError(exchange, { status, message, ...(isFault(err) ? { err } : {}) })
    this.#text(exchange, { kind: 'text', status, contentType, body: text })
  }

  #error (exchange: Exchange, { status, message, headers = [] }: { status: number, message: string, headers?: HeaderList }): void {
    this.#logError(exchange, { status, message })
    const { contentType, text } = this.#deps.dialect.body(status, message)
    this.#text(exchange, { kind: 'text', status, contentType, body: text, headers })
  }

  #logError (exchange: Exchange, { status, message, ...more }: { status: number, message: string, err?: unknown }): void {
    const facts = { status, message, method: exchange.method, path: exchange.path.slice(0, 200), ...more }
    if (status >= 500) this.#deps.log.error('sending error response', facts)
    else this.#deps.log.debug('sending error response', facts)
  }
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&#34;')

/** A target that isn't one: Go's server answers by itself and closes. */
function refuseTarget (response: ServerResponse): void {
  response.removeHeader('connection')
  response.removeHeader('date')
  response.writeHead(400, ['Content-Type', 'text/plain; charset=utf-8', 'Connection', 'close'])
  response.end('400 Bad Request')
}
