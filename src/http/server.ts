import type { IncomingMessage, RequestListener, Server, ServerOptions } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { createServer as createSocketServer } from 'node:net'
import type { ListenOptions, Server as SocketServer } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import type { Startable } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import { soleShare } from '../base/shares.ts'
import type { Share } from '../base/shares.ts'
import type { Answering, BrokenBody } from './refusal.ts'
import { answerBrokenRequest, endWith, hostFault, notMet, noTunnel, refuse } from './refusal.ts'
import { cannotListen, freeAddress, listening, listenOptionsOf, multiaddrOf, removeStaleSocket } from './listen.ts'

export interface HttpServerInit {
  name: string
  /** Multiaddr texts, see listenOptionsOf. */
  listen: readonly string[]
  /** PEM texts; null: plain HTTP. */
  tls: { cert: string | Buffer, key: string | Buffer } | null
  /** Go's slack of 4096 bytes is added. */
  maxHeaderBytes: number
  /** Milliseconds; 0: no limit. */
  readTimeoutMs: number
  readHeaderTimeoutMs: number
  writeTimeoutMs: number
  idleTimeoutMs: number
  /** Connections at a time: then those go on which nothing is asked, and if there are none, new ones are closed at once. Default 8192. */
  maxConnections?: number
  /** A client that takes nothing of its answer for this long is cut. Default: a minute. */
  stalledTimeoutMs?: number
  /**
   * Whether a request is cut as well whose body stalls for that long, while the server waits for it. Default: a handler and its
   * client have all the time.
   */
  cutsIdleUploads?: boolean
  /** The body of the answer to a request that never gets to the listener: it can't be read, or asks for what nobody does. Default: plain text. */
  brokenBody?: BrokenBody | undefined
  /**
   * Whether the stream of a request without a body is closed before the listener sees it: for listeners that read bodies by `RequestBody`
   * only. Node would take seven steps of its own to end it. Default: it ends as Node's streams do.
   */
  closesEmptyBodies?: boolean
  /** Whether `CONNECT` opens a way to this same server: for clients that use it as their proxy. */
  tunnels?: boolean
  /**
   * Whether other servers of this process listen on the same TCP ports, and the kernel gives each its part of the connections. `begins`:
   * this one is the first, and takes no port that somebody else has; where the machine knows nothing like it, it listens alone. `joins`:
   * one of the others. Default: neither.
   */
  sharing?: 'begins' | 'joins' | undefined
}

/** `connections`: this server's part of those that `maxConnections` counts. */
export interface HttpServerDeps { listener: RequestListener, clock: Clock, log: Logger, connections?: Share | undefined }

/** How long a drain waits for running answers before the stop cuts them. */
const drainMs = 1000
const headerSlackBytes = 4096
const usualConnections = 8192
const usualStalledMs = 60_000
/** Who wants to know of an answer's end: logs, limits, figures, traces, its source. Node warns of a leak above 10. */
const usualListeners = 30
/** What a machine says that can't share ports among listeners. */
const cannotShare = new Set(['ENOTSUP', 'EINVAL', 'ENOPROTOOPT'])
const notHttps = 'Client sent an HTTP request to an HTTPS server.\n'

/**
 * HTTP/1.1 on any number of addresses, with the limits of Go's net/http: slow and idle clients are cut, broken requests get one plain line.
 */
export class HttpServer implements Startable {
  readonly name: string
  readonly #init: HttpServerInit
  readonly #deps: HttpServerDeps
  readonly #http: Server
  readonly #connections: Share
  readonly #doors: Array<{ close: (done: () => void) => void }> = []
  readonly #sockets = new Set<Socket>()
  readonly #flights = new WeakMap<Duplex, Flight>()
  #addresses: string[] = []
  #busy = 0
  #idle: (() => void) | undefined

  constructor (init: HttpServerInit, deps: HttpServerDeps) {
    this.name = init.name
    this.#init = init
    this.#deps = deps
    this.#connections = deps.connections ?? soleShare
    this.#http = this.#create()
  }

  /** Bound addresses as multiaddr texts, ports filled in. */
  addresses (): readonly string[] { return this.#addresses }

  async start (): Promise<void> {
    // Node looks for slow clients only once its server listens; ours gets its connections from doors of our own
    this.#http.emit('listening')
    for (const address of this.#init.listen) this.#addresses.push(await this.#open(address))
    this.#deps.log.info('listening', { server: this.name, addresses: this.#addresses })
  }

  /**
   * Serves one more connection that came from elsewhere (a libp2p stream, a test). It is plain HTTP even when the ports speak TLS: libp2p
   * has encrypted it.
   */
  accept (connection: Duplex): void { this.#http.emit(this.#init.tls == null ? 'connection' : 'secureConnection', connection) }

  /** No new connections or requests; waits a moment for the running ones. */
  async drain (): Promise<void> {
    for (const door of this.#doors.splice(0)) door.close(() => {})
    this.#http.closeIdleConnections()
    if (this.#busy === 0) return
    await new Promise<void>(resolve => {
      const cancel = this.#deps.clock.after(drainMs, resolve)
      this.#idle = () => {
        cancel()
        resolve()
      }
    })
  }

  async stop (): Promise<void> {
    for (const door of this.#doors.splice(0)) door.close(() => {})
    for (const socket of this.#sockets) socket.destroy()
    this.#http.closeAllConnections()
    this.#http.close()
    this.#addresses = []
  }

  #create (): Server {
    const { readTimeoutMs, readHeaderTimeoutMs, idleTimeoutMs, maxHeaderBytes, tls } = this.#init
    const headersTimeout = readHeaderTimeoutMs === 0 ? readTimeoutMs : readHeaderTimeoutMs
    const options: ServerOptions = {
      maxHeaderSize: maxHeaderBytes + headerSlackBytes,
      requestTimeout: readTimeoutMs,
      headersTimeout,
      keepAliveTimeout: idleTimeoutMs === 0 ? readTimeoutMs : idleTimeoutMs,
      // Node looks for slow clients this often: the default of 30 s would make any limit ten times longer
      connectionsCheckingInterval: Math.max(50, Math.min(1000, (headersTimeout || 4000) / 4)),
      noDelay: true,
      // with an answer of our own
      requireHostHeader: false
    }
    const server = tls == null
      ? createServer(options)
      : createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] }) as unknown as Server
    server.maxRequestsPerSocket = 0
    server.timeout = this.#init.stalledTimeoutMs ?? usualStalledMs
    server.on('timeout', this.#init.cutsIdleUploads === true ? cutIdleUpload : cutIdle)
    server.on('connect', (_request, socket, head) => {
      if (this.#init.tunnels === true) this.#tunnel(socket, head)
      else this.#refuseTunnel(socket)
    })
    server.on('checkExpectation', (_request, response) => refuse(response, notMet, this.#init.brokenBody))
    server.on('request', (request, response) => {
      this.#busy++
      response.setMaxListeners(usualListeners)
      const cancel = this.#init.writeTimeoutMs === 0
        ? undefined
        : this.#deps.clock.after(this.#init.writeTimeoutMs, () => request.socket.destroy())
      const flight = this.#took(request)
      if (this.#init.closesEmptyBodies === true && hasNoBody(request)) (request as Closable)._dumpAndCloseReadable?.()
      // it comes once by itself: `once` costs as much again
      response.on('close', () => {
        cancel?.()
        if (--this.#busy === 0) this.#idle?.()
        if (--flight.answers === 0) flight.done?.()
      })
      const fault = hostFault(request)
      if (fault == null) this.#deps.listener(request, response)
      else refuse(response, fault, this.#init.brokenBody)
    })
    server.on('clientError', (err, socket) => this.#broken(err, socket))
    return server
  }

  #took (request: IncomingMessage): Flight {
    const flight = this.#flights.get(request.socket) ?? { answers: 0, last: request }
    flight.answers++
    flight.last = request
    this.#flights.set(request.socket, flight)
    return flight
  }

  #broken (err: NodeJS.ErrnoException, socket: Duplex): void {
    const flight = this.#flights.get(socket)
    const answer = (): void => answerBrokenRequest(err, socket, { bodyOf: this.#init.brokenBody, last: flight?.last })
    if (flight?.last.complete === true && err.code?.startsWith('HPE_') === true) this.#afterAnswers(socket, answer)
    else answer()
  }

  async #open (address: string): Promise<string> {
    const options = listenOptionsOf(address)
    if (options.path != null) await removeStaleSocket(options.path)
    const door = createSocketServer({ noDelay: true }, socket => this.#welcome(socket))
    this.#doors.push({ close: done => { door.close(done) } })
    try {
      await this.#listen(door, options)
    } catch (err) {
      throw cannotListen(this.name, address, err as Error)
    }
    door.on('error', err => this.#deps.log.warn('listener failed', { server: this.name, address, err }))
    return multiaddrOf(door.address())
  }

  async #listen (door: SocketServer, options: ListenOptions): Promise<void> {
    const { sharing } = this.#init
    if (sharing == null || options.path != null) return listening(door, options)
    // a port that is shared is taken even when somebody else of this user shares it: that has to be seen before
    const free = sharing === 'begins' ? await freeAddress(options) : options
    await listening(door, { ...free, reusePort: true }).catch(async err => {
      if (sharing === 'joins' || !cannotShare.has(err.code)) throw err
      await listening(door, free)
    })
  }

  /** Its connection is no longer one of the server's. */
  #refuseTunnel (socket: Duplex): void {
    socket.on('error', () => socket.destroy())
    this.#afterAnswers(socket, () => endWith(socket, noTunnel, this.#init.brokenBody))
  }

  /** What came whole before is answered first. */
  #afterAnswers (socket: Duplex, answer: () => void): void {
    const flight = this.#flights.get(socket)
    if (flight != null && flight.answers > 0) flight.done = answer
    else answer()
  }

  /** What comes through the tunnel is HTTP for this server, whatever host it names. */
  #tunnel (socket: Duplex, head: Buffer): void {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    if (head.length > 0) socket.unshift(head)
    this.#http.emit('connection', socket)
  }

  #welcome (socket: Socket): void {
    if (!this.#hasRoom()) {
      this.#deps.log.debug('a connection is refused: there are too many', { server: this.name, connections: this.#sockets.size })
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    this.#count()
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#count()
    })
    if (this.#init.tls == null) {
      this.#http.emit('connection', socket)
      return
    }
    this.#welcomeTls(socket)
  }

  #count (): void { this.#connections.tell(this.#sockets.size) }

  #hasRoom (): boolean {
    const { maxConnections = usualConnections } = this.#init
    const others = this.#connections.others()
    if (this.#sockets.size + others < maxConnections) return true
    this.#http.closeIdleConnections()
    // they tell that they are closed a moment later
    for (const socket of this.#sockets) if (socket.destroyed) this.#sockets.delete(socket)
    return this.#sockets.size + others < maxConnections
  }

  /** A TLS port tells plain HTTP clients what is wrong, as Go's does. */
  #welcomeTls (socket: Socket): void {
    const limitMs = this.#init.readHeaderTimeoutMs || this.#init.readTimeoutMs
    const cancel = limitMs === 0 ? () => {} : this.#deps.clock.after(limitMs, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.once('close', cancel)
    socket.once('readable', () => {
      cancel()
      const first = socket.read() as Buffer | null
      if (first == null) return
      if (/^[A-Z]{3,7} /.test(first.toString('latin1', 0, 8))) {
        socket.end(`HTTP/1.0 400 Bad Request\r\n\r\n${notHttps}`)
        return
      }
      socket.unshift(first)
      this.#http.emit('connection', socket)
    })
  }
}

/** What Node's own `optimizeEmptyRequests` calls (24.12 and newer), which passes over requests that say `Content-Length: 0`. */
type Closable = IncomingMessage & { _dumpAndCloseReadable?: () => void }

function hasNoBody ({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return (length == null || length === '0') && headers['transfer-encoding'] == null
}

/** What is under way on a connection: answers to requests, the last of them, and what is done when all are answered. */
interface Flight { answers: number, last: IncomingMessage, done?: () => void }

/**
 * Nothing moved on a connection for its time: it is cut when its client doesn't read, or has nothing to wait for. A handler may take as
 * long as it needs.
 */
function cutIdle (socket: Socket): void {
  const isAnswering = (socket as Answering)._httpMessage != null
  if (!isAnswering || socket.writableLength > 0) socket.destroy()
}

/** The same; and when all that came of a body was read, and the rest doesn't come. */
function cutIdleUpload (socket: Socket): void {
  const request = (socket as Answering)._httpMessage?.req
  const waitsForBody = request != null && !request.complete && request.readableLength === 0
  if (waitsForBody) socket.destroy()
  else cutIdle(socket)
}
