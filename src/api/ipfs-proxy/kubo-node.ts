import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { Agent, request } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { LineCutter } from '../../base/text/line-cutter.ts'
import type { RequestContext } from '../../http/request-context.ts'
import { listenOptionsOf } from '../../http/listen.ts'
import type { HeaderList } from '../../http/answer/reply.ts'
import { canonicalHeader } from '../../http/answer/reply.ts'
import { breakOff, hidesTrailers } from '../../http/answer/send.ts'
import type { NodeApi, NodeHeaders, PutCommand } from './node-api.ts'

export interface KuboNodeInit {
  /** The RPC API, `api.ipfsproxy.node_multiaddress`. */
  address: string
  isHttps: boolean
  /** Names of more headers that the cluster's answers take over. */
  extraHeaders: readonly string[]
  /** Where Kubo is asked for them. */
  extractPath: string
  /** How long they are kept. Milliseconds. */
  extractTtlMs: number
}

export interface KuboNodeDeps { clock: Clock, log: Logger }

/** What belongs to one connection and not to the message (RFC 9110 §7.6.1). */
const connectionHeaders = new Set(
  ['connection', 'proxy-connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'transfer-encoding', 'upgrade']
)
const corsNames = ['access-control-allow-origin', 'vary', 'access-control-allow-credentials']
const exposeName = 'access-control-expose-headers'
const originsKept = 100

/** Passes requests to a Kubo and its answers back, byte for byte. Kubo away: 502 without a body. */
export function kuboNode (init: KuboNodeInit, deps: KuboNodeDeps): NodeApi & { close (): void } {
  return new KuboNode(init, deps)
}

class KuboNode implements NodeApi {
  readonly #init: KuboNodeInit
  readonly #deps: KuboNodeDeps
  readonly #agent: Agent
  readonly #connection: RequestOptions
  readonly #known = new Map<string, { at: number, value: NodeHeaders }>()

  constructor (init: KuboNodeInit, deps: KuboNodeDeps) {
    this.#init = init
    this.#deps = deps
    this.#agent = new (init.isHttps ? TlsAgent : Agent)({ keepAlive: true, maxFreeSockets: 32 })
    const { path, host, port } = listenOptionsOf(init.address)
    this.#connection = path == null ? { host: host ?? '', port: port ?? 0 } : { socketPath: path }
  }

  close (): void { this.#agent.destroy() }

  /** Kept for a while for each origin. */
  async headers (origin: string | undefined): Promise<NodeHeaders> {
    const key = origin ?? ''
    const now = this.#deps.clock.elapsed()
    const known = this.#known.get(key)
    if (known != null && now - known.at < this.#init.extractTtlMs) return known.value
    try {
      const value = await this.#askHeaders(origin)
      if (this.#known.size >= originsKept) this.#known.clear()
      this.#known.set(key, { at: now, value })
      return value
    } catch (err) {
      this.#deps.log.debug('Kubo can not be asked for its headers', { err })
      return { headers: [], allowsOrigin: origin == null }
    }
  }

  async answer (context: RequestContext): Promise<void> {
    const { request, response } = context
    const headers = [...passedOn(request.rawHeaders), ...forwardedFor(request)]
    const outgoing = this.#open({ method: context.method, path: request.url ?? '/', headers })
    response.once('close', () => { if (!response.writableFinished) outgoing.destroy() })
    const upload = pipeline(request, outgoing).catch(() => {}) // told by the answer
    let incoming: IncomingMessage
    try {
      incoming = await answerOf(outgoing)
    } catch (err) {
      this.#deps.log.warn('Kubo does not answer', { err })
      if (!context.isGone) response.writeHead(502, ['Content-Length', '0', ...request.complete ? [] : ['Connection', 'close']]).end()
      return
    }
    await passBack(context, incoming)
    await upload
  }

  async * put (command: PutCommand, context: RequestContext): AsyncGenerator<unknown, void, undefined> {
    const { request, query } = context
    const rest = query.raw.split('&').filter(pair => pair !== '' && !pair.startsWith('pin='))
    const headers = [...passedOn(request.rawHeaders), ...forwardedFor(request)]
    const outgoing = this.#open({ method: 'POST', path: `/api/v0/${command}?${[...rest, 'pin=false'].join('&')}`, headers })
    void pipeline(request, outgoing).catch(() => {})
    try {
      const incoming = await answerOf(outgoing).catch(err => {
        throw new ClusterError('IPFS_UNAVAILABLE', {}, { message: `error contacting IPFS: ${String(err)}`, cause: err })
      })
      if (incoming.statusCode !== 200) throw refusal(await textOf(incoming))
      yield * jsonLines(incoming)
    } finally {
      if (!outgoing.writableFinished) outgoing.destroy()
    }
  }

  async #askHeaders (origin: string | undefined): Promise<NodeHeaders> {
    const path = this.#init.extractPath
    const preflight = ['Access-Control-Request-Method', 'POST', ...origin == null ? [] : ['Origin', origin]]
    const [cors, extracted] = await Promise.all([
      this.#headersOf({ method: 'OPTIONS', path, headers: preflight }),
      this.#headersOf({ method: 'POST', path, headers: ['Content-Length', '0'] })
    ])
    const wanted = [exposeName, ...this.#init.extraHeaders.map(name => name.toLowerCase())]
    return {
      headers: [...picked(cors, corsNames), ...picked(extracted, wanted)],
      allowsOrigin: origin == null || cors.headers['access-control-allow-origin'] != null
    }
  }

  async #headersOf (options: { method: string, path: string, headers: string[] }): Promise<IncomingMessage> {
    const outgoing = this.#open(options)
    outgoing.end()
    const incoming = await answerOf(outgoing)
    incoming.resume()
    return incoming
  }

  #open ({ method, path, headers }: { method: string, path: string, headers: string[] }): ClientRequest {
    const open = this.#init.isHttps ? tlsRequest : request
    return open({
      ...this.#connection, agent: this.#agent, method, path,
      headers: headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'host') ? headers : ['Host', this.#host(), ...headers]
    })
  }

  #host (): string { return this.#connection.socketPath == null ? `${this.#connection.host}:${this.#connection.port}` : 'localhost' }
}

async function answerOf (outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.on('response', resolve)
    outgoing.on('error', reject)
  })
}

async function passBack (context: RequestContext, incoming: IncomingMessage): Promise<void> {
  const { response } = context
  response.sendDate = false
  response.writeHead(incoming.statusCode ?? 502, passedOn(incoming.rawHeaders))
  // the head goes before the first byte of a slow answer
  response.flushHeaders()
  incoming.on('data', (part: Buffer) => { context.bytesSent += part.length })
  try {
    await pipeline(incoming, response, { end: false })
    const { rawTrailers, trailers } = incoming
    if ((trailers['x-stream-error'] ?? '') !== '' && hidesTrailers(context)) {
      breakOff(context)
      return
    }
    for (let at = 0; at < rawTrailers.length; at += 2) response.addTrailers([[rawTrailers[at] ?? '', rawTrailers[at + 1] ?? '']])
    response.end()
  } catch {
    response.destroy()
  }
}

/** A raw header list without what belongs to the connection. A chunked body stays one. */
function passedOn (raw: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]]
    const lower = name.toLowerCase()
    if (!connectionHeaders.has(lower) || (lower === 'transfer-encoding' && value.toLowerCase() === 'chunked')) kept.push(name, value)
  }
  return kept
}

function forwardedFor ({ headers, socket }: IncomingMessage): string[] {
  const remote = socket.remoteAddress?.replace(/^::ffff:/, '')
  return remote == null || headers['x-forwarded-for'] != null ? [] : ['X-Forwarded-For', remote]
}

function picked ({ headers }: IncomingMessage, names: readonly string[]): HeaderList {
  return names.flatMap(name => {
    const value = headers[name]
    if (value == null) return []
    return (Array.isArray(value) ? value : [value]).map(one => [canonicalHeader(name), one] as const)
  })
}

/** The text that Kubo refuses an upload with, and a line of its answer to one. Characters. */
const longestText = 1024 * 1024

const tooLong = (): ClusterError => new ClusterError('IPFS_ERROR', {}, { message: 'a line of the IPFS node is too long' })

async function textOf (incoming: IncomingMessage): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const part of incoming) {
    text += decoder.decode(part as Buffer, { stream: true })
    if (text.length > longestText) throw tooLong()
  }
  return text
}

async function * jsonLines (incoming: IncomingMessage): AsyncGenerator<unknown, void, undefined> {
  const cutter = new LineCutter({ maxLength: longestText, tooLong })
  const decoder = new TextDecoder()
  for await (const part of incoming) {
    for (const line of cutter.push(decoder.decode(part as Buffer, { stream: true }))) if (line !== '') yield JSON.parse(line)
  }
  const late = incoming.trailers['x-stream-error']
  if (late != null && late !== '') throw new ClusterError('IPFS_ERROR', {}, { message: late })
}

function refusal (text: string): ClusterError {
  let message = text
  try { message = (JSON.parse(text) as { Message?: string }).Message ?? text } catch {} // plain text
  return new ClusterError('IPFS_ERROR', {}, { message })
}
