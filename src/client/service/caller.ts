import { ApiError, unanswered } from '../errors.ts'
import { chunksOfStream, streamOfChunks } from '../web-streams.ts'
import type { RequestBody } from '../transport.ts'

export interface ServiceClientInit {
  /** Where the service is, such as "https://pins.example.com". Default: this page's own origin, in browsers. */
  url?: string
  /** API key. Without one: the session of a log-in, in browsers, or routes that ask for none. */
  key?: string
  /** Default: the platform's. */
  fetch?: typeof fetch
}

export interface CallOptions { signal?: AbortSignal }

/** Too many requests (429) or something away for now (503): `retryAfterSeconds` says when to try again. */
export class ServiceError extends ApiError {
  readonly retryAfterSeconds: number | null

  constructor (
    status: number, message: string, { retryAfterSeconds = null, ...options }: ErrorOptions & { retryAfterSeconds?: number | null } = {}
  ) {
    super(status, message, options)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

type Query = Readonly<Record<string, string | number | boolean | readonly string[] | Readonly<Record<string, string>> | null | undefined>>

/** One request to the service's API: `json` or `body`, not both. */
export interface ServiceCall extends CallOptions {
  method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE'
  /** Encoded. */
  path: string
  query?: Query
  json?: unknown
  body?: RequestBody | Uint8Array
  headers?: Readonly<Record<string, string>>
}

/** Sends the service's calls. Errors are `ServiceError`s: of the answer, or with status 0 when there was none. */
export class ServiceCaller {
  readonly #init: ServiceClientInit

  constructor (init: ServiceClientInit) { this.#init = init }

  /** The answer, whatever its body. */
  async send ({ method, path, query, json, body, headers, signal }: ServiceCall): Promise<Response> {
    const { url = '', key, fetch = globalThis.fetch } = this.#init
    const content = json === undefined ? body : JSON.stringify(json)
    let response: Response
    try {
      response = await fetch(`${url.replace(/\/+$/, '')}${path}${queryOf(query)}`, {
        method,
        headers: {
          ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers,
          ...(key == null ? {} : { authorization: `Bearer ${key}` })
        },
        ...(content == null ? {} : isChunks(content) ? { body: streamOfChunks(content), duplex: 'half' } : { body: content }),
        ...(signal == null ? {} : { signal })
      } as RequestInit)
    } catch (err) {
      throw unanswered(err, signal)
    }
    if (response.status >= 400) throw await errorOf(response)
    return response
  }

  /** The answer's JSON. */
  async json<Answer> (call: ServiceCall): Promise<Answer> { return await (await this.send(call)).json() as Answer }

  /** What the answer has under `data`. */
  async data<Data> (call: ServiceCall): Promise<Data> { return (await this.json<{ data: Data }>(call)).data }

  /** For answers that say nothing but that it is done. */
  async done (call: ServiceCall): Promise<void> { await (await this.send(call)).arrayBuffer() }

  async * bytes (call: ServiceCall): AsyncGenerator<Uint8Array, void, undefined> { yield * chunksOfStream((await this.send(call)).body) }
}

/** One segment of a path, percent-encoded. */
export const segment = (text: string): string => encodeURIComponent(text)

const isChunks = (content: NonNullable<ServiceCall['body']> | string): content is AsyncIterable<Uint8Array> =>
  typeof content === 'object' && Symbol.asyncIterator in content

function queryOf (query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => value == null ? [] : [`${name}=${encodeURIComponent(textOf(value))}`])
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

function textOf (value: NonNullable<Query[string]>): string {
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

async function errorOf (response: Response): Promise<ServiceError> {
  const text = await response.text().catch(() => '')
  const after = Number(response.headers.get('retry-after') ?? NaN)
  return new ServiceError(
    response.status, messageIn(text) ?? (text === '' ? response.statusText : text),
    { retryAfterSeconds: Number.isFinite(after) ? after : null }
  )
}

/** The service's envelope, or the Pinning Service API's. */
function messageIn (text: string): string | undefined {
  try {
    const { message, error } = JSON.parse(text) as { message?: string, error?: { reason?: string, details?: string } | string }
    return typeof error === 'object' ? error.details ?? error.reason : message
  } catch {
    return undefined
  }
}
