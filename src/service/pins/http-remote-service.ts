import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isJsonObject } from '../../base/json-object.ts'
import type { Clock } from '../../base/clock.ts'
import { deadline } from '../../base/clock.ts'
import { ClusterError, isClusterError, messageOf } from '../../base/errors.ts'
import { refuseNestedJson } from '../../base/nesting.ts'
import { hostOf, publicOnly, publicUrl, refusePrivateName } from '../../base/public-address.ts'
import type { Lookup } from '../../base/public-address.ts'
import { wholeBytes } from '../../base/whole-bytes.ts'
import type { RemoteAccess, RemotePage, RemotePin, RemoteService } from './remote-service.ts'

export interface HttpRemoteServiceInit extends RemoteAccess {
  /** Whether the endpoint may be in a private network. */
  privateAllowed: boolean
}

export interface HttpRemoteServiceDeps {
  clock: Clock
  /** Default: the machine's. */
  lookup?: Lookup
}

const answerMs = 30_000
const longestAnswer = 16 * 2 ** 20
const deepestAnswer = 64
const statuses = 'queued,pinning,pinned'

/**
 * Checks what a user gives as an endpoint: an http(s) address without credentials, of a public network unless private ones are allowed.
 * Names are looked up when they are used. INVALID_ARGUMENT.
 */
export function endpointUrl (endpoint: string, { privateAllowed }: { privateAllowed: boolean }): URL {
  const url = publicUrl(endpoint, { what: 'the endpoint', privateAllowed })
  url.search = ''
  url.hash = ''
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/pins$/, '')
  return url
}

/**
 * Refuses an endpoint whose name leads to a private network now, for an answer at once; later it may lead elsewhere, so each connection is
 * checked too. INVALID_ARGUMENT.
 */
export async function refusePrivateEndpoint (
  endpoint: string, { privateAllowed }: { privateAllowed: boolean }, deps: Pick<HttpRemoteServiceDeps, 'lookup'> = {}
): Promise<void> {
  const url = endpointUrl(endpoint, { privateAllowed })
  if (!privateAllowed) await refusePrivateName(url, deps)
}

/** The Pinning Service API of somebody else. Redirects aren't followed, and every connection goes to an address that was checked. */
export function httpRemoteService (init: HttpRemoteServiceInit, deps: HttpRemoteServiceDeps): RemoteService {
  const url = endpointUrl(init.endpoint, init)
  const lookup = init.privateAllowed ? undefined : publicOnly(deps.lookup)
  return {
    page: async ({ before, limit, signal }) => {
      const target = new URL(`${url.href.replace(/\/$/, '')}/pins`)
      target.search = new URLSearchParams({ status: statuses, limit: String(limit), ...(before == null ? {} : { before }) }).toString()
      const late = deadline(
        deps.clock, answerMs, () => new ClusterError('NOT_READY', {}, { message: 'the other service does not answer' }), signal
      )
      try {
        return pageOf(await answer(target, { token: init.token, lookup, signal: late.signal }))
      } catch (err) {
        signal.throwIfAborted()
        throw late.signal.aborted ? late.signal.reason : err
      } finally {
        late.clear()
      }
    }
  }
}

interface AnswerOptions { token: string, lookup: LookupFunction | undefined, signal: AbortSignal }

async function answer (url: URL, { token, lookup, signal }: AnswerOptions): Promise<unknown> {
  const response = await sent(url, { token, lookup, signal })
  const status = response.statusCode ?? 0
  const text = await textOf(response)
  if (status === 401 || status === 403) {
    throw new ClusterError('NOT_AUTHORIZED', { status }, { message: `the other service does not accept the token (${status})` })
  }
  if (status === 429 || status >= 500) throw new ClusterError('NOT_READY', { status }, { message: `the other service answers ${status}` })
  if (status !== 200) throw notPinningService(`it answers ${status}`)
  try {
    refuseNestedJson(Buffer.from(text), deepestAnswer)
    return JSON.parse(text)
  } catch (err) {
    throw notPinningService(messageOf(err))
  }
}

async function sent (url: URL, { token, lookup, signal }: AnswerOptions): Promise<IncomingMessage> {
  const host = hostOf(url)
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
  const sending = request(url, { headers, agent: false, signal, ...(lookup == null || isIP(host) !== 0 ? {} : { lookup }) }, resolve)
  sending.once(
    'error',
    err => reject(
      isClusterError(err)
        ? err
        : new ClusterError('NOT_READY', {}, { message: `the other service can't be reached: ${messageOf(err)}`, cause: err })
    )
  )
  // an answer that changes the protocol ends the request without a word
  sending.once('close', () => reject(notPinningService('its answer changes the protocol')))
  sending.end()
  return promise
}

async function textOf (response: IncomingMessage): Promise<string> {
  const bytes = await wholeBytes(response, { maxBytes: longestAnswer, tooLong: () => notPinningService('its answer has no end') })
  return bytes.toString('utf8')
}

const notPinningService = (why: string): ClusterError =>
  new ClusterError('UNSUPPORTED', {}, { message: `the endpoint is not that of a Pinning Service API: ${why}` })

function pageOf (json: unknown): RemotePage {
  if (!isJsonObject(json) || typeof json.count !== 'number') throw notPinningService('it answers something else')
  const results = json.results ?? []
  if (!Array.isArray(results)) throw notPinningService('its results are no list')
  return { count: json.count, pins: results.map(pinOf) }
}

function pinOf (json: unknown): RemotePin {
  if (!isJsonObject(json) || !isJsonObject(json.pin) || typeof json.pin.cid !== 'string' || typeof json.created !== 'string') {
    throw notPinningService('a pin has no CID or no time')
  }
  const { cid, name, origins, meta } = json.pin
  return {
    requestId: typeof json.requestid === 'string' ? json.requestid : '',
    cid,
    name: typeof name === 'string' ? name : '',
    origins: Array.isArray(origins) ? origins.filter(one => typeof one === 'string') : [],
    meta: isJsonObject(meta) ? textPairs(meta) : {},
    created: json.created
  }
}

const textPairs = (pairs: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(pairs).filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
