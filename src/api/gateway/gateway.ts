import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock, Random } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import { soleShare } from '../../base/shares.ts'
import type { Share } from '../../base/shares.ts'
import { commonLogLine } from '../../http/access-log.ts'
import { readerFor } from '../../http/answer/bytes-in-flight.ts'
import type { BytesInFlight, Reader } from '../../http/answer/bytes-in-flight.ts'
import { Query } from '../../http/request/query.ts'
import type { HeaderList } from '../../http/answer/reply.ts'
import { HttpServer } from '../../http/server.ts'
import { TrustedProxies } from '../../http/request/trusted-proxies.ts'
import type { DagReader, ReadAhead } from '../../ipfs/dag-reader.ts'
import type { Denylist, Refusals } from '../../ipfs/denylist.ts'
import { refusalsBy, refusingNames } from '../../ipfs/denylist.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { NameResolver } from '../../ipfs/names.ts'
import type { CID } from '../../model/cid.ts'
import { closeBody, redirection } from './answer/answers.ts'
import { refusalOf } from './error-dialect.ts'
import { errorAnswer } from './pages/error-page.ts'
import { askedFormat } from './location/formats.ts'
import { frontPage } from './pages/front-page.ts'
import type { PublicHost } from './location/hosts.ts'
import { locate } from './location/locate.ts'
import type { Arrival } from './location/locate.ts'
import { RequestBlocks } from './request-blocks.ts'
import type { RequestBlocksDeps, RequestBlocksInit } from './request-blocks.ts'
import { answerKey, keptBody, RecentAnswers } from './answer/recent-answers.ts'
import type { KeptAnswer } from './answer/recent-answers.ts'
import { RecentReads } from './recent-reads.ts'
import { headOf, sendAnswer } from './answer/send-answer.ts'
import { ContentHandler } from './serve/content-handler.ts'
import type { Answer, Site } from './request-context.ts'

/** The section `api.gateway` of service.json, files already read. Times in milliseconds; 0: no limit. */
export interface GatewayInit extends RequestBlocksInit {
  /** Multiaddr texts. */
  listen: readonly string[]
  /** PEM texts; null: plain HTTP. */
  tls: { cert: string | Buffer, key: string | Buffer } | null
  timeouts: { readMs: number, readHeaderMs: number, writeMs: number, idleMs: number }
  maxHeaderBytes: number
  maxConnections: number
  /** Answers that are being made at a time; beyond that: 429. */
  maxRequests: number
  /** Whether other threads listen on the same ports, as HttpServerInit. */
  sharing?: 'begins' | 'joins' | undefined
  /** Gets one Apache common-log line per request; null: no log. */
  logLine: ((line: string) => void) | null
  /** Around the handling of every request: for whoever measures or traces. */
  wrap?: ((listener: RequestListener) => RequestListener) | undefined
  /** Added to every answer. */
  headers: HeaderList
  cors: Record<'allowedOrigins' | 'allowedMethods' | 'allowedHeaders' | 'exposedHeaders', readonly string[]>
  /** By host name, lower case, with or without a port. */
  hosts: ReadonlyMap<string, PublicHost>
  /** Whether hosts that aren't known may be DNSLink sites. */
  dnslinkHosts: boolean
  /** Addresses or networks (`10.0.0.0/8`) whose `X-Forwarded-…` headers count. */
  trustedProxies: readonly string[]
  deserialized: boolean
  /** True when nothing else lives on this origin: pages need not be kept apart from it. */
  contentOnly: boolean
  /** True: only what is here is served. */
  noFetch: boolean
}

/** What the gateway needs of the node behind it. */
export interface GatewayDeps {
  ipfs: Pick<IpfsConnector, 'getBlock' | 'joined' | 'prefetch'>
  reader: DagReader
  /** Looks up `/ipns/…` and DNSLink hosts; without it they are answered 501. */
  names?: NameResolver | undefined
  /** What is refused; without it, nothing. `refusals`: the same in another thread, whose names refuse by themselves. */
  denylist?: Denylist | undefined
  refusals?: Refusals
  /** Blocks below this root are being made here: resolves when no more come. Undefined where none are. */
  pendingImport?: ((root: CID) => Promise<void> | undefined) | undefined
  /** Memory for answers, shared with the other listeners. */
  flow: BytesInFlight
  /** Where other threads serve, too: this one's part of what `maxConnections` and `maxRequests` count. */
  shares?: { connections: Share, requests: Share } | undefined
  clock: Clock
  random: Pick<Random, 'bytes'>
  log: Logger
}

/** A running gateway. */
export interface Gateway extends Startable {
  /** Bound addresses as multiaddr texts. */
  addresses (): readonly string[]
  accept (connection: Duplex): void
}

/**
 * The IPFS HTTP gateway: content below `/ipfs/` and `/ipns/`, on hosts of its own, or by DNSLink (docs/reference/gateway.md). Reads only;
 * nothing a client sends changes anything here, and no cookie is set.
 */
export function gateway (init: GatewayInit, deps: GatewayDeps): Gateway {
  const listener = gatewayListener(init, deps)
  return new HttpServer({
    name: 'gateway',
    listen: init.listen,
    tls: init.tls,
    maxHeaderBytes: init.maxHeaderBytes,
    readTimeoutMs: init.timeouts.readMs,
    readHeaderTimeoutMs: init.timeouts.readHeaderMs,
    writeTimeoutMs: init.timeouts.writeMs,
    idleTimeoutMs: init.timeouts.idleMs,
    maxConnections: init.maxConnections,
    // browsers that use this as their proxy
    tunnels: true,
    sharing: init.sharing,
    closesEmptyBodies: true
  }, { listener: init.wrap?.(listener) ?? listener, clock: deps.clock, log: deps.log, connections: deps.shares?.connections })
}

/** The same without a server: for a listener that has more than content. */
export function gatewayListener (
  init: Omit<GatewayInit, 'listen' | 'tls' | 'timeouts' | 'maxHeaderBytes' | 'maxConnections' | 'wrap' | 'sharing'>, deps: GatewayDeps
): RequestListener {
  const pipeline = new GatewayPipeline(init, deps)
  return (request, response) => pipeline.take(request, response)
}

type PipelineInit = Parameters<typeof gatewayListener>[0]

const recentInit = { maxBytes: 8 * 2 ** 20, keepMs: 1000 }
const recentAnswersInit = { maxBytes: 4 * 2 ** 20, halfMs: 500 }
/** Of chance in what stands between parts. */
const boundaryBytes = 24
const methods = 'GET, HEAD, OPTIONS'
const sandbox: HeaderList[number] = [
  'Content-Security-Policy',
  'sandbox allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox allow-modals allow-downloads'
]

class GatewayPipeline {
  readonly #init: PipelineInit
  readonly #deps: GatewayDeps
  readonly #content: ContentHandler
  readonly #proxies: TrustedProxies
  readonly #reading: RequestBlocksDeps
  readonly #always: HeaderList
  readonly #allowedOrigins: ReadonlySet<string> | undefined
  readonly #requests: Share
  readonly #refusals: Refusals
  readonly #recent = new RecentAnswers(recentAnswersInit)
  #running = 0

  constructor (init: PipelineInit, deps: GatewayDeps) {
    const { cors } = init
    this.#init = init
    this.#deps = deps
    this.#reading = {
      getBlock: async (cid, options) => deps.ipfs.getBlock(cid, options),
      joined: deps.ipfs.joined?.bind(deps.ipfs),
      prefetch: deps.ipfs.prefetch?.bind(deps.ipfs),
      buffers: deps.flow.buffers,
      recent: new RecentReads(recentInit),
      pendingImport: deps.pendingImport,
      clock: deps.clock
    }
    this.#requests = deps.shares?.requests ?? soleShare
    this.#refusals = deps.refusals ?? refusalsBy(deps.denylist)
    this.#content = new ContentHandler(init, {
      reader: deps.reader,
      names: deps.names == null ? undefined : refusingNames(deps.names, deps.denylist),
      refusals: this.#refusals
    })
    this.#proxies = new TrustedProxies(init.trustedProxies)
    this.#allowedOrigins = cors.allowedOrigins.includes('*') ? undefined : new Set(cors.allowedOrigins)
    this.#always = [
      ...(cors.allowedOrigins.includes('*') ? [['Access-Control-Allow-Origin', '*'] as const] : [['Vary', 'Origin'] as const]),
      ['Access-Control-Allow-Methods', cors.allowedMethods.join(', ')],
      ['Access-Control-Allow-Headers', cors.allowedHeaders.join(', ')],
      ['Access-Control-Expose-Headers', cors.exposedHeaders.join(', ')],
      ...init.headers
    ]
  }

  take (request: IncomingMessage, response: ServerResponse): void {
    const counted = { request, response, bytesSent: 0 }
    const { logLine } = this.#init
    if (logLine != null) {
      const receivedAt = this.#deps.clock.now()
      response.once('close', () => logLine(commonLogLine(counted, this.#proxies.addressOf(request) || '-', receivedAt)))
    }
    this.#count(1)
    const key = this.#keyOf(request)
    const kept = key == null || this.#isFull() ? undefined : this.#recent.get(key, this.#deps.clock.elapsed())
    if (kept == null) this.#run(counted, key).catch(err => this.#deps.log.error('the gateway could not answer', { err }))
    else this.#sendAgain(kept, counted)
  }

  /** Whether the answer may have been given a moment ago to somebody else. */
  #keyOf (request: IncomingMessage): string | undefined {
    const isForAll = this.#allowedOrigins == null || request.headers.origin == null
    return isForAll && this.#refusals.isEmpty() ? answerKey(request) : undefined
  }

  #isFull (): boolean { return this.#running + this.#requests.others() > this.#init.maxRequests }

  #sendAgain ({ status, head, body }: KeptAnswer, counted: Counted): void {
    const { response } = counted
    response.once('close', () => this.#count(-1))
    response.writeHead(status, head as string[])
    counted.bytesSent = body.length
    response.end(body)
  }

  #keep (key: string, answer: Answer, request: IncomingMessage): void {
    const body = keptBody(answer)
    if (body == null) return
    this.#recent.add(
      key, { status: answer.status, head: headOf(this.#headersOf(answer, request), body.length), body }, this.#deps.clock.elapsed()
    )
  }

  #count (more: number): void {
    this.#running += more
    this.#requests.tell(this.#running)
  }

  /** `key`: what a small answer is kept under. */
  async #run (counted: Counted, key: string | undefined): Promise<void> {
    const { request, response } = counted
    const blocks = this.#blocksFor(request)
    response.once('close', () => {
      this.#count(-1)
      blocks.end(gone)
    })
    const place = new Place(() => readerFor(this.#deps.flow, response))
    try {
      const send = async (answer: Answer): Promise<void> => sendAnswer({ ...answer, headers: this.#headersOf(answer, request) }, {
        response,
        isHead: request.method === 'HEAD',
        reader: () => place.reader,
        signal: () => blocks.signal,
        buffers: this.#deps.flow.buffers,
        tickBudget: this.#deps.flow.tickBudget,
        sent: bytes => { counted.bytesSent += bytes }
      })
      const answer = await this.#answer(request, { blocks, place })
      if (key != null) this.#keep(key, answer, request)
      if (response.destroyed) {
        await closeBody(answer.body)
        return
      }
      await send(answer).catch(async err => {
        // nothing was sent yet: there is a status for it
        if (response.headersSent || response.destroyed) throw err
        await send(this.#failed(request, err, undefined))
      })
    } catch (err) {
      // a connection that breaks is the only way to say that a body is not whole
      response.destroy()
      if (!blocks.isEnded) this.#deps.log.debug('an answer was interrupted', { url: request.url?.slice(0, 200) ?? '', err })
    } finally {
      place.end()
    }
  }

  #blocksFor (request: IncomingMessage): RequestBlocks {
    const ifCached = isIfCached(request)
    return new RequestBlocks(this.#init, this.#reading, { ifCached, local: ifCached || this.#init.noFetch })
  }

  /** Never rejects: errors are answers. */
  async #answer (request: IncomingMessage, { blocks, place }: { blocks: RequestBlocks, place: Place }): Promise<Answer> {
    const { method = 'GET' } = request
    let site: Site | undefined
    try {
      if (method === 'OPTIONS') return { status: 200, headers: [] }
      if (method !== 'GET' && method !== 'HEAD') return errorAnswer(request, notForReading)
      if (this.#isFull()) return errorAnswer(request, tooManyRequests)
      const arrival = this.#arrival(request)
      const local = isIfCached(request) ? 'all' : this.#init.noFetch ? 'keys' : undefined
      const location = await locate(arrival, this.#init, { names: this.#deps.names, signal: () => blocks.signal, local })
      if (location.kind === 'redirect') return redirection(location.status, location.location)
      if (location.kind === 'front') return frontPage(this.#init)
      site = location.site
      const query = new Query(arrival.rawQuery)
      const answer = await this.#content.answer({
        isHead: method === 'HEAD',
        headers: request.headers,
        query,
        urlPath: arrival.urlPath,
        site,
        path: location.path,
        asked: askedFormat(query, request.headers.accept),
        get signal () { return blocks.signal },
        get: async cid => blocks.get(cid),
        prefetch: cid => blocks.prefetch(cid),
        joined: leaves => place.reader.isRoomy() ? blocks.joined(leaves) : undefined,
        below: root => blocks.below(root),
        peek: async cid => blocks.peek(cid),
        ahead: place,
        local,
        room: bytes => place.reader.take(bytes, blocks.signal),
        boundary: () => Buffer.from(this.#deps.random.bytes(boundaryBytes)).toString('hex'),
        now: this.#deps.clock.now()
      })
      return this.#isolated(answer, site)
    } catch (err) {
      return this.#failed(request, err, site)
    }
  }

  /** Pages of content on a shared host run without that host's cookies and storage. Pages made here have a stricter policy of their own. */
  #isolated (answer: Answer, site: Site | undefined): Answer {
    const isOwn = answer.headers.some(([name]) => name === 'Content-Security-Policy')
    return this.#init.contentOnly || site?.kind !== 'path' || isOwn ? answer : { ...answer, headers: [...answer.headers, sandbox] }
  }

  #failed (request: IncomingMessage, err: unknown, site: Site | undefined): Answer {
    const { status, message, headers } = refusalOf(err)
    const facts = { status, url: request.url?.slice(0, 200) ?? '' }
    if (status === 500) this.#deps.log.warn('the gateway could not serve a request', { ...facts, err })
    else this.#deps.log.debug('sending error response', { ...facts, message })
    return this.#isolated(errorAnswer(request, { status, message, headers }), site)
  }

  #arrival (request: IncomingMessage): Arrival {
    const { headers, url = '/' } = request
    const [, absoluteHost, target = '/'] = /^http:\/\/([^/?#]*)(.*)$/is.exec(url) ?? [undefined, undefined, url]
    const [path = '', ...queries] = target.split('?')
    return {
      host: this.#proxies.forwardedHost(request) ?? absoluteHost ?? headers.host ?? '',
      scheme: this.#proxies.schemeOf(request),
      urlPath: path === '' ? '/' : path,
      rawQuery: queries.join('?')
    }
  }

  #headersOf ({ headers }: Answer, request: IncomingMessage): HeaderList {
    const all = [...this.#alwaysFor(request), ...headers]
    return this.#allowedOrigins == null ? all : withOneVary(all)
  }

  #alwaysFor (request: IncomingMessage): HeaderList {
    const { origin } = request.headers
    if (this.#allowedOrigins == null || origin == null || !this.#allowedOrigins.has(origin)) return this.#always
    return [...this.#always, ['Access-Control-Allow-Origin', origin]]
  }
}

const isIfCached = ({ headers: { 'cache-control': directives = '' } }: IncomingMessage): boolean => /\bonly-if-cached\b/i.test(directives)

const notForReading = { status: 405, message: 'method not allowed: this gateway is for reading', headers: [['Allow', methods]] as const }
const tooManyRequests = {
  status: 429, message: 'this gateway answers as many requests as it can: try again later', headers: [['Retry-After', '5']] as const
}

const gone = new Error('the client has gone')

/** Caches read one line of `Vary`: nginx before 1.23 takes the last one. */
function withOneVary (headers: HeaderList): HeaderList {
  const values = headers.filter(([name]) => name === 'Vary').map(([, value]) => value)
  return values.length < 2 ? headers : [...headers.filter(([name]) => name !== 'Vary'), ['Vary', values.join(', ')]]
}

/** A request, and what was sent for it so far. */
interface Counted { request: IncomingMessage, response: ServerResponse, bytesSent: number }

/** An answer's place in the memory that all share, taken when there is more to send than fits into one piece. */
class Place implements ReadAhead {
  readonly #open: () => Reader
  #reader: Reader | undefined

  constructor (open: () => Reader) { this.#open = open }

  get reader (): Reader {
    this.#reader ??= this.#open()
    return this.#reader
  }

  tryTake (bytes: number): boolean { return this.reader.tryTake(bytes) }
  give (bytes: number): void { this.#reader?.give(bytes) }
  end (): void { this.#reader?.end() }
}

