import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import { parseDuration } from '../../base/text/duration.ts'
import { isFault } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import { commonLogLine } from '../../http/access-log.ts'
import { errorReply, HttpError } from '../../http/error-dialect.ts'
import { RequestContext } from '../../http/request-context.ts'
import { sendLines } from '../../http/answer/lines.ts'
import { parseTarget } from '../../http/routing/path.ts'
import type { Reply } from '../../http/answer/reply.ts'
import { sendRaw, sendText } from '../../http/answer/send.ts'
import { HttpServer } from '../../http/server.ts'
import type { TickBudget } from '../../http/answer/tick-budget.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import { addHandler } from './add-handler.ts'
import { proxyDialect } from './error-dialect.ts'
import type { NodeApi } from './node-api.ts'
import { ProxyPinHandlers } from './pin-handlers.ts'
import { putHandler } from './put-handlers.ts'
import { repoGcHandler, repoStatHandler } from './repo-handlers.ts'

/** The section `api.ipfsproxy` of service.json. Times in milliseconds; 0: no limit. */
export interface IpfsProxyInit {
  /** Multiaddr texts. */
  listen: readonly string[]
  timeouts: { readMs: number, readHeaderMs: number, writeMs: number, idleMs: number }
  maxHeaderBytes: number
  /** Gets one Apache common-log line per request; null: no log. */
  logLine: ((line: string) => void) | null
  /** Around the handling of every request: for whoever measures or traces. */
  wrap?: (listener: RequestListener) => RequestListener
}

export interface IpfsProxyDeps {
  cluster: ClusterApi
  ipfs: Pick<IpfsConnector, 'resolve'>
  /** Answers what the cluster has no part in. */
  node: NodeApi
  /** Of the event loop, shared with the other listeners. */
  tickBudget?: Pick<TickBudget, 'take'> | undefined
  clock: Clock
  log: Logger
}

/** The API on its addresses, and on connections that others accepted. */
export interface IpfsProxy extends Startable {
  /** Bound addresses as multiaddr texts. */
  addresses (): readonly string[]
  accept (connection: Duplex): void
}

type Handler = (context: RequestContext, argument?: string) => Promise<Reply>

const prefix = '/api/v0/'
const takenMethods = new Set(['POST', 'GET', 'PUT'])

/**
 * Kubo's RPC API with the cluster behind its pin commands, as Go's (api/ipfsproxy): every pin and add goes to the cluster, all else to the
 * node.
 */
export function ipfsProxy (init: IpfsProxyInit, deps: IpfsProxyDeps): IpfsProxy {
  const listener = proxyListener(init, deps)
  return new HttpServer({
    name: 'ipfsproxy',
    listen: init.listen,
    tls: null,
    maxHeaderBytes: init.maxHeaderBytes,
    readTimeoutMs: init.timeouts.readMs,
    readHeaderTimeoutMs: init.timeouts.readHeaderMs,
    writeTimeoutMs: init.timeouts.writeMs,
    idleTimeoutMs: init.timeouts.idleMs
  }, { listener: init.wrap?.(listener) ?? listener, clock: deps.clock, log: deps.log })
}

function proxyListener (init: Pick<IpfsProxyInit, 'logLine'>, deps: IpfsProxyDeps): RequestListener {
  const proxy = new ProxyPipeline(deps)
  return (request, response) => {
    const target = parseTarget(request.url ?? '/')
    if (target == null) {
      response.writeHead(400, ['Content-Type', 'text/plain; charset=utf-8', 'Connection', 'close']).end('400 Bad Request')
      return
    }
    const context = new RequestContext({ request, response, target })
    if (init.logLine != null) logAtEnd(context, init.logLine, { request, response, at: deps.clock.now() })
    proxy.take(context)
  }
}

function logAtEnd (
  context: RequestContext, logLine: (line: string) => void,
  { request, response, at }: { request: IncomingMessage, response: ServerResponse, at: number }
): void {
  const remote = request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '-'
  response.once('close', () => logLine(commonLogLine(context, remote, at)))
}

/** `timeout=5s` of every command. An external node is told, too, and is the first to answer. */
function limitTime (context: RequestContext, clock: Clock): void {
  const text = context.query.get('timeout')
  if (text !== '') context.limitTime(Math.max(0, parseDuration(text)), clock)
}

class ProxyPipeline {
  readonly #deps: IpfsProxyDeps
  readonly #handlers: ReadonlyMap<string, Handler>

  constructor (deps: IpfsProxyDeps) {
    const { cluster } = deps
    const pins = new ProxyPinHandlers(deps)
    this.#deps = deps
    this.#handlers = new Map<string, Handler>([
      ['pin/add', async (context, argument) => pins.add(context, argument)],
      ['pin/rm', async (context, argument) => pins.remove(context, argument)],
      ['pin/ls', async (context, argument) => pins.list(context, argument)],
      ['pin/update', async context => pins.update(context)],
      ['add', addHandler(deps)],
      ['repo/stat', repoStatHandler(cluster)],
      ['repo/gc', repoGcHandler(cluster)],
      ['block/put', putHandler('block/put', deps)],
      ['dag/put', putHandler('dag/put', deps)]
    ])
  }

  take (context: RequestContext): void {
    try {
      limitTime(context, this.#deps.clock)
    } catch (err) {
      this.#fail(context, err)
      return
    }
    const taken = this.#handlerOf(context)
    const answered = taken == null ? this.#deps.node.answer(context) : this.#run(context, taken)
    answered.catch(err => this.#fail(context, err))
  }

  /** Who answers for the cluster; undefined: the node does. */
  #handlerOf ({ method, path, query }: RequestContext): Handler | undefined {
    if (!takenMethods.has(method) || !path.startsWith(prefix)) return undefined
    const command = path.slice(prefix.length)
    if (/^(block|dag)\/put$/.test(command) && query.get('pin') !== 'true') return undefined
    const [, name = command, argument] = /^(pin\/(?:add|rm|ls))\/([^/]+)$/.exec(command) ?? []
    const handler = this.#handlers.get(name)
    return handler == null ? undefined : async context => handler(context, argument)
  }

  async #run (context: RequestContext, handler: Handler): Promise<void> {
    const { headers, allowsOrigin } = await this.#deps.node.headers(context.headers.origin)
    context.answerHeaders = [...headers, ['Server', `ipfs-cluster/ipfsproxy/${this.#deps.cluster.version}`]]
    // a page of some other site must not change pins here
    if (!allowsOrigin || context.headers['sec-fetch-site'] === 'cross-site') {
      throw new HttpError(403, 'the IPFS node does not allow requests of this origin')
    }
    await this.#send(context, await handler(context))
  }

  async #send (context: RequestContext, reply: Reply): Promise<void> {
    const { clock, log, tickBudget } = this.#deps
    if (context.isGone) return
    if (reply.kind === 'text') sendText(context, reply, clock)
    else if (reply.kind === 'lines') await sendLines(context, reply, { clock, log, dialect: proxyDialect, tickBudget })
    else await sendRaw(context, reply)
  }

  #fail (context: RequestContext, err: unknown): void {
    if (context.response.headersSent || context.isGone) {
      context.response.destroy()
      return
    }
    const { status, message, contentType, text } = errorReply(proxyDialect, err)
    if (isFault(err)) this.#deps.log.error('a request failed unexpectedly', { err, path: context.path.slice(0, 200) })
    this.#deps.log.debug('sending error response', { status, message, method: context.method, path: context.path.slice(0, 200) })
    sendText(context, { kind: 'text', status, contentType, body: text }, this.#deps.clock)
  }
}
