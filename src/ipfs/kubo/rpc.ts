import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { Agent, request } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../base/clock.ts'
import { deadline } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { formatDuration } from '../../base/text/duration.ts'
import { LineCutter } from '../../base/text/line-cutter.ts'
import { wholeBytes } from '../../base/whole-bytes.ts'
import type { KuboAddress } from './address.ts'
import { lateFailure, refusal, unavailable } from './errors.ts'
import { Throttle } from './throttle.ts'

export interface KuboRpcInit { address: KuboAddress, agentVersion: string }
export interface KuboRpcDeps { clock: Clock }

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** For the whole call, its answer included. 0: no limit. Milliseconds. */
  timeoutMs: number
  body?: { contentType: string, content: AsyncIterable<Uint8Array> }
}

interface Answer { outgoing: ClientRequest, response: IncomingMessage }

/**
 * What is kept of the text that Kubo refuses something with, a line of an answer in lines (characters), and an answer that is taken whole:
 * a block, a list.
 */
const longestError = 64 * 1024
const longestLine = 4 * 1024 * 1024
const longestAnswer = 64 * 1024 * 1024
const connections = 256

/**
 * Calls of Kubo's RPC API: `path` is what follows `/api/v0/`. They reject with IPFS_UNAVAILABLE when the node can't be reached or hangs up,
 * with IPFS_ERROR (or what `errors.ts` finds in the text) when it refuses, TIMEOUT, or the signal's reason.
 */
export class KuboRpc {
  readonly #init: KuboRpcInit
  readonly #clock: Clock
  readonly #throttle: Throttle
  readonly #agent: Agent
  readonly #stopped = new AbortController()

  constructor (init: KuboRpcInit, { clock }: KuboRpcDeps) {
    this.#init = init
    this.#clock = clock
    this.#throttle = new Throttle(clock)
    this.#agent = new (init.address.isHttps ? TlsAgent : Agent)({ keepAlive: true, maxFreeSockets: 16, maxSockets: connections })
  }

  /** Ends all calls with this error, and all later ones. */
  stop (reason: Error): void {
    this.#stopped.abort(reason)
    this.#agent.destroy()
  }

  /** The whole answer. */
  async bytes (path: string, options: CallOptions): Promise<Buffer> {
    return wholeBytes(this.#call(path, options), {
      maxBytes: longestAnswer,
      tooLong: () => new ClusterError('IPFS_ERROR', { path }, { message: `IPFS error (${path}): the answer is too long` })
    })
  }

  /** The answer as one JSON value. */
  async json<T> (path: string, options: CallOptions): Promise<T> {
    return parse(path, (await this.bytes(path, options)).toString('utf8')) as T
  }

  /** An answer of JSON lines, as many at a time as have come. */
  async * lines<T> (path: string, options: CallOptions): AsyncGenerator<T[], void, undefined> {
    const tooLong = (): ClusterError =>
      new ClusterError('IPFS_ERROR', { path }, { message: `IPFS error (${path}): a line of the answer is too long` })
    const cutter = new LineCutter({ maxLength: longestLine, tooLong })
    const decoder = new TextDecoder()
    for await (const part of this.#call(path, options)) {
      const texts = cutter.push(decoder.decode(part, { stream: true }))
      const values = texts.filter(text => text !== '').map(text => parse(path, text) as T)
      if (values.length > 0) yield values
    }
    const rest = cutter.end()
    if (rest !== '') yield [parse(path, rest) as T]
  }

  async * #call (path: string, options: CallOptions): AsyncGenerator<Buffer, void, undefined> {
    const parent = options.signal == null ? this.#stopped.signal : AbortSignal.any([options.signal, this.#stopped.signal])
    const { signal, clear } = options.timeoutMs === 0
      ? { signal: parent, clear: () => {} }
      : deadline(this.#clock, options.timeoutMs, () => timedOut(path, options.timeoutMs), parent)
    try {
      signal.throwIfAborted()
      await this.#throttle.turn(signal)
      const { outgoing, response } = await this.#send(path, signal, options.body)
      try {
        if (response.statusCode !== 200) throw refusal(path, response.statusCode ?? 0, await shortText(response))
        yield * this.#content(path, response)
      } finally {
        // an upload may still be under way
        if (!outgoing.writableFinished) outgoing.destroy()
      }
    } catch (err) {
      signal.throwIfAborted()
      throw err
    } finally {
      clear()
    }
  }

  async * #content (path: string, response: IncomingMessage): AsyncGenerator<Buffer, void, undefined> {
    try {
      for await (const part of response) yield part as Buffer
    } catch (err) {
      throw unavailable(this.#init.address, path, err as NodeJS.ErrnoException)
    }
    // what goes wrong after the head was sent is told in a trailer
    const late = response.trailers['x-stream-error']
    if (late != null && late !== '') throw lateFailure(path, late)
  }

  async #send (path: string, signal: AbortSignal, body: CallOptions['body']): Promise<Answer> {
    try {
      const answer = await this.#attempt(path, signal, body)
      this.#throttle.reached()
      return answer
    } catch (err) {
      signal.throwIfAborted()
      if (err instanceof SourceError) throw err.cause
      this.#throttle.unreachable()
      throw unavailable(this.#init.address, path, err as NodeJS.ErrnoException)
    }
  }

  async #attempt (path: string, signal: AbortSignal, body: CallOptions['body'], isRetry = false): Promise<Answer> {
    signal.throwIfAborted()
    const { address: { connection, isHttps }, agentVersion } = this.#init
    const framing = body == null ? { 'Content-Length': '0' } : { 'Content-Type': body.contentType, 'Transfer-Encoding': 'chunked' }
    const options: RequestOptions = {
      ...connection, method: 'POST', path: `/api/v0/${path}`, agent: this.#agent, headers: { 'User-Agent': agentVersion, ...framing }
    }
    const outgoing = (isHttps ? tlsRequest : request)(options)
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const onAbort = (): void => { outgoing.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted')) }
    signal.addEventListener('abort', onAbort, { once: true })
    outgoing.once('close', () => signal.removeEventListener('abort', onAbort))
    outgoing.on('response', resolve)
    outgoing.on('error', reject)
    if (body == null) outgoing.end()
    else {
      pipeline(Readable.from(markSource(body.content)), outgoing).catch(err => {
        reject(err)
        outgoing.destroy()
      })
    }
    try {
      return { outgoing, response: await promise }
    } catch (err) {
      // a connection that was kept may have been closed by the other side meanwhile
      const isStale = outgoing.reusedSocket && (err as NodeJS.ErrnoException).code === 'ECONNRESET'
      if (!isStale || isRetry || body != null || signal.aborted) throw err
      return this.#attempt(path, signal, body, true)
    }
  }
}

/** The request's own content failed, not the node. */
class SourceError extends Error {}

async function * markSource (content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield * content
  } catch (err) {
    throw new SourceError('the source failed', { cause: err })
  }
}

const timedOut = (path: string, timeoutMs: number): ClusterError =>
  new ClusterError('TIMEOUT', { path, timeoutMs }, { message: `IPFS did not answer within ${formatDuration(timeoutMs)} (${path})` })

async function shortText (response: IncomingMessage): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const part of response) {
    text += decoder.decode(part as Buffer, { stream: true })
    if (text.length > longestError) break
  }
  return text.slice(0, longestError)
}

function parse (path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (err) {
    throw new ClusterError('IPFS_ERROR', { path }, { message: `IPFS error (${path}): the answer is not JSON`, cause: err })
  }
}
