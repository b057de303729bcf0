import { once } from 'node:events'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { Duplex } from 'node:stream'
import type { SecureContextOptions } from 'node:tls'
import { deadline } from '../base/clock.ts'
import type { Clock } from '../base/clock.ts'
import { ClusterError } from '../base/errors.ts'
import type { Endpoint } from './endpoint.ts'
import { ApiError } from './errors.ts'
import { failureText } from './node-failures.ts'
import type { RequestBody, Transport, TransportRequest, TransportResponse } from './transport.ts'

export interface NodeTransportInit {
  endpoint: Endpoint
  /** TLS; means nothing to unix sockets and libp2p. */
  https?: boolean
  /** For `https`. */
  tls?: {
    rejectUnauthorized?: boolean, ca?: SecureContextOptions['ca'], cert?: SecureContextOptions['cert'], key?: SecureContextOptions['key']
  }
  /** How long a request may take, to the last byte of its answer. */
  timeout?: { ms: number, clock: Clock }
  /** Opens a stream to a libp2p address for one request. */
  openStream? (address: string, signal: AbortSignal | undefined): Promise<Duplex>
}

/** Requests by Node's own HTTP: with trailers, unix sockets, TLS options, HTTP over libp2p streams. Bodies are sent chunked. */
export function nodeTransport (init: NodeTransportInit): Transport {
  return { request: async request => new NodeRequest(init, request).run() }
}

/** The address before the path, as failures tell it. */
function originOf ({ endpoint, https = false }: NodeTransportInit): string {
  if (endpoint.kind === 'unix') return 'http+unix://restapi'
  if (endpoint.kind === 'libp2p') return `libp2p://${peerOf(endpoint.address)}`
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host
  return `${https ? 'https' : 'http'}://${host}:${endpoint.port}`
}

const peerOf = (address: string): string => /\/p2p\/([^/]+)$/.exec(address)?.[1] ?? ''

/** One request and its answer. */
class NodeRequest {
  readonly #init: NodeTransportInit
  readonly #request: TransportRequest
  readonly #signal: AbortSignal | undefined
  readonly #clear: () => void = () => {}
  #sendFailure: unknown

  constructor (init: NodeTransportInit, request: TransportRequest) {
    this.#init = init
    this.#request = request
    this.#signal = request.signal
    if (init.timeout == null || init.timeout.ms <= 0) return
    const limit = deadline(init.timeout.clock, init.timeout.ms, () => new ClusterError('TIMEOUT'), request.signal)
    this.#signal = limit.signal
    this.#clear = limit.clear
  }

  async run (): Promise<TransportResponse> {
    try {
      const response = await this.#answer()
      return { status: response.statusCode ?? 0, body: this.#bodyOf(response), trailers: name => trailerValues(response, name) }
    } catch (err) {
      this.#clear()
      this.#request.signal?.throwIfAborted()
      const { method, path } = this.#request
      const verb = method.charAt(0) + method.slice(1).toLowerCase()
      throw new ApiError(0, `${verb} ${JSON.stringify(originOf(this.#init) + path)}: ${this.#why(err)}`, { cause: err })
    }
  }

  #why (err: unknown): string {
    return this.#signal?.aborted === true
      ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      : failureText(err, this.#init.endpoint)
  }

  async #answer (): Promise<IncomingMessage> {
    const isTls = this.#init.https === true && this.#init.endpoint.kind === 'tcp'
    const { request } = isTls ? await import('node:https') : await import('node:http')
    const outgoing = request(await this.#options())
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve)
      outgoing.on('error', reject) // once there is an answer, its own stream tells what goes wrong
    })
    if (this.#request.body == null) outgoing.end()
    else this.#send(outgoing, this.#request.body())
    return response
  }

  async #options (): Promise<RequestOptions> {
    const { endpoint, tls, openStream } = this.#init
    const { method, path, headers } = this.#request
    const common = { method, path, headers, ...(this.#signal == null ? {} : { signal: this.#signal }) }
    if (endpoint.kind === 'unix') return { ...common, socketPath: endpoint.path, host: 'restapi' }
    if (endpoint.kind === 'tcp') return { ...common, ...tls, host: endpoint.host, port: endpoint.port }
    if (openStream == null) throw new ClusterError('UNSUPPORTED', {}, { message: 'this client has no libp2p' })
    const stream = await openStream(endpoint.address, this.#signal)
    return { ...common, host: peerOf(endpoint.address), createConnection: () => stream, headers: { ...headers, connection: 'close' } }
  }

  /**
   * A peer may answer before it has read all: the sending goes on beside the reading of the answer. What can't be read ends the request.
   */
  #send (outgoing: ClientRequest, content: RequestBody): void {
    const chunks: AsyncIterable<Uint8Array> = content instanceof Blob ? content.stream() : content
    sendChunks(outgoing, chunks).catch(err => {
      this.#sendFailure = err
      outgoing.destroy(err as Error)
    })
  }

  async * #bodyOf (response: IncomingMessage): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield * response as AsyncIterable<Uint8Array>
    } catch (err) {
      this.#request.signal?.throwIfAborted()
      if (this.#sendFailure != null) throw new ApiError(0, failureText(this.#sendFailure, this.#init.endpoint), { cause: err })
      const isLate = this.#signal?.aborted === true
      throw new ApiError(
        response.statusCode ?? 0,
        isLate ? 'context deadline exceeded (Client.Timeout or context cancellation while reading body)' : 'unexpected EOF', { cause: err }
      )
    } finally {
      this.#clear()
    }
  }
}

async function sendChunks (outgoing: ClientRequest, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    if (outgoing.destroyed) return
    if (!outgoing.write(chunk)) await drained(outgoing)
  }
  outgoing.end()
}

/** Resolves when more can be written, or nothing any more. */
async function drained (outgoing: ClientRequest): Promise<void> {
  const done = new AbortController()
  try {
    await Promise.race(['drain', 'close'].map(async name => once(outgoing, name, { signal: done.signal })))
  } catch { /* an error of the request is told elsewhere */ } finally {
    done.abort()
  }
}

function trailerValues ({ rawTrailers }: IncomingMessage, name: string): string[] {
  return rawTrailers.filter((_, index) => index % 2 === 1 && rawTrailers[index - 1]?.toLowerCase() === name)
}
