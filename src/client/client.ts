import { percentEncode } from '../base/text/percent-encode.ts'
import { ApiError, unanswered } from './errors.ts'
import { fetchTransport } from './fetch-transport.ts'
import { eventsOf, eventsPath } from './event-stream.ts'
import type { ClusterEvent, EventsQuery } from './event-stream.ts'
import { parseExact, streamOf, textOf, throwIfRefused } from './body.ts'
import { boundary, multipart } from './multipart.ts'
import type { UploadEntry } from './multipart.ts'
import { addQuery, encodeQuery, pinQuery, queryEscape } from './query.ts'
import type { Transport, TransportRequest, TransportResponse } from './transport.ts'
import type {
  Added, AddOptions, Alert, Audit, AuditResult, Bandwidth, CidLike, ClusterSync, ConfiguredWebhook, ConnectGraph, Drain, GlobalPinInfo,
  GlobalRepoGc, Id, Metric, MetricHistory, Pin, PinsetDiff, PinsHealth, Readiness, Rebalance, RebalancePlan, PinOptions, PinProgress,
  PinType, TrackerStatus, Version, Warning, WebhookDelivery
} from './types.ts'

// this file is the package's entry `helia-cluster/client`
export { ApiError } from './errors.ts'
export { waitForStatus } from './wait.ts'
export type * from './types.ts'
export type { UploadEntry, FileContent } from './multipart.ts'
export type { Transport } from './transport.ts'
export type { ClusterEvent, EventsQuery } from './event-stream.ts'

export interface ClientInit {
  /** Where the REST API is, such as "http://127.0.0.1:9094". */
  url?: string
  /** Instead of `url`: how to reach it. */
  transport?: Transport
  auth?: Auth
  /** Added to every request. */
  headers?: Readonly<Record<string, string>>
}

/** A user's password, or a token of `POST /token`. */
export type Auth = { username: string, password: string } | { token: string }

export interface CallOptions { signal?: AbortSignal }
export interface LocalOptions extends CallOptions {
  /** Ask only the peer that is called, not all of the cluster. */
  local?: boolean
}
export interface MissingOptions extends CallOptions {
  /** Also peers that are gone. Go's peers don't know it. */
  missing?: boolean
}
/** Which pins, and what is asked of which peers. */
export interface StatusFilter extends LocalOptions, MissingOptions {
  /**
   * Only pins that have one of these statuses on some peer; `error` and `queued` stand for several. `under_replicated` (not of Go's peers):
   * those that fewer peers have than shall.
   */
  filter?: ReadonlyArray<TrackerStatus | 'error' | 'queued' | 'under_replicated'>
}
export interface MoveOptions extends CallOptions {
  /** The peer that shall lose the pin, once the others have it. */
  from: string
  /** Who shall get it. Default: the allocator chooses. */
  to?: readonly string[]
}

/** How fast pins may move. What is left out is as it was, or has no limit (32 at once). */
export interface LimitOptions { maxPinsPerSecond?: number, maxBytesPerSecond?: number, atOnce?: number }

export interface RebalanceOptions {
  /** Tags over whose values pins are spread. Default: those that the peer allocates by. */
  by?: readonly string[]
  /** The same share for all peers; default: by what they may hold. */
  equal?: boolean
}

export interface AuditOptions {
  /** Default: everything that the peer holds. */
  cids?: readonly CidLike[]
  /** So many pins of a hundred. */
  sample?: number
  peer?: string
  /** Fetch again what is missing or damaged. */
  repair?: boolean
}

/** An upload's entries, in an array or as they are found. */
export type UploadEntries = Iterable<UploadEntry> | AsyncIterable<UploadEntry>

type Call = Pick<TransportRequest, 'method' | 'path'> & { body?: TransportRequest['body'], headers?: Record<string, string> } & CallOptions

/**
 * The REST API of a cluster peer, Go's or Helia Cluster's. Every method sends one request; what comes back is what the peer sent. Lists are
 * async iterables that start when they are iterated and hold one item at a time. Errors are `ApiError`s.
 *
 * @example
 * ```ts
 * import { ClusterClient } from 'helia-cluster/client'
 *
 * const client = new ClusterClient({ url: 'http://127.0.0.1:9094' })
 * for await (const { name, cid } of client.add([{ path: 'hello.txt', content: 'hello' }], { name: 'greeting' })) console.log(name, cid)
 * for await (const pin of client.allocations({ types: ['pin'] })) console.log(pin.cid, pin.name)
 * ```
 */
export class ClusterClient {
  readonly #transport: Transport
  readonly #headers: Record<string, string>

  constructor ({ url, transport, auth, headers = {} }: ClientInit) {
    this.#transport = transport ?? fetchTransport({ url: url ?? 'http://127.0.0.1:9094' })
    this.#headers = { ...headers, ...(auth == null ? {} : { authorization: authorization(auth) }) }
  }

  /** The peer that is asked. */
  id (options: CallOptions = {}): Promise<Id> { return this.#json({ method: 'GET', path: '/id', ...options }) }

  version (options: CallOptions = {}): Promise<Version> { return this.#json({ method: 'GET', path: '/version', ...options }) }

  /** Resolves when the peer runs. */
  async health (options: CallOptions = {}): Promise<void> { await this.#done({ method: 'GET', path: '/health', ...options }) }

  peers ({ missing = false, ...options }: MissingOptions = {}): AsyncGenerator<Id, void, undefined> {
    return this.#stream({ method: 'GET', path: missing ? '/peers?missing=true' : '/peers', ...options })
  }

  addPeer (peer: string, options: CallOptions = {}): Promise<Id> {
    return this.#json({
      method: 'POST', path: '/peers', headers: { 'content-type': 'application/json' },
      body: () => new Blob([JSON.stringify({ peer_id: peer })]), ...options
    })
  }

  async removePeer (peer: string, options: CallOptions = {}): Promise<void> { await this.#done({
    method: 'DELETE', path: `/peers/${segment(peer)}`, ...options
  }) }

  /** Uploads files and directories and pins each root; lines come while the upload runs, the last one is the root. */
  async * add (entries: UploadEntries, options: AddOptions & CallOptions = {}): AsyncGenerator<Added, void, undefined> {
    const { signal, ...params } = options
    const { contentType, body } = multipart(entries, boundary())
    yield * this.#stream<Added>({
      method: 'POST', path: `/add?${encodeQuery(addQuery(params))}`, headers: { 'content-type': contentType }, body,
      ...(signal == null ? {} : { signal })
    })
  }

  /** Pins a CID, or what a path ("/ipfs/<cid>/a/b") leads to. The pin is in the pinset then; its content comes later. */
  pin (content: CidLike, options: PinOptions & CallOptions = {}): Promise<Pin> {
    const { signal, ...params } = options
    return this.#json({
      method: 'POST', path: `/pins${contentPath(content)}?${encodeQuery(pinQuery(params))}`, ...(signal == null ? {} : { signal })
    })
  }

  unpin (content: CidLike, options: CallOptions = {}): Promise<Pin> { return this.#json({
    method: 'DELETE', path: `/pins${contentPath(content)}`, ...options
  }) }

  /** The pinset: what is wanted, not how far it is. */
  allocations ({ types, ...options }: CallOptions & { types?: ReadonlyArray<PinType | 'all'> } = {}): AsyncGenerator<Pin, void, undefined> {
    return this.#stream({ method: 'GET', path: `/allocations?filter=${queryEscape((types ?? ['all']).join(','))}`, ...options })
  }

  /** One item of the pinset; status 404 when it isn't pinned. */
  allocation (cid: CidLike, options: CallOptions = {}): Promise<Pin> { return this.#json({
    method: 'GET', path: `/allocations/${segment(cid)}`, ...options
  }) }

  /** How a pin stands on each peer; `unpinned` for what nobody pinned. */
  status (cid: CidLike, { local = false, ...options }: LocalOptions = {}): Promise<GlobalPinInfo> {
    return this.#json({ method: 'GET', path: `/pins/${segment(cid)}?local=${local}`, ...options })
  }

  statuses ({ local = false, missing = false, filter = [], ...options }: StatusFilter = {}): AsyncGenerator<GlobalPinInfo, void,
  undefined> {
    return this.#stream({
      method: 'GET', path: `/pins?local=${local}&filter=${queryEscape(filter.join(','))}&cids=${missing ? '&missing=true' : ''}`, ...options
    })
  }

  /** As `status`, of several CIDs with one request; in any order. */
  statusesOf (cids: readonly CidLike[], { local = false, ...options }: LocalOptions = {}): AsyncGenerator<GlobalPinInfo, void, undefined> {
    return this.#stream({ method: 'GET', path: `/pins?local=${local}&filter=&cids=${cids.map(segment).join(',')}`, ...options })
  }

  /** How far the peers are with a pin. Go's peers don't know (404). */
  progress (cid: CidLike, { local = false, ...options }: LocalOptions = {}): Promise<PinProgress[]> {
    return this.#json({ method: 'GET', path: `/pins/${segment(cid)}/progress?local=${local}`, ...options })
  }

  /** Tries again what failed. */
  recover (cid: CidLike, { local = false, ...options }: LocalOptions = {}): Promise<GlobalPinInfo> {
    return this.#json({ method: 'POST', path: `/pins/${segment(cid)}/recover?local=${local}`, ...options })
  }

  recoverAll ({ local = false, ...options }: LocalOptions = {}): AsyncGenerator<GlobalPinInfo, void, undefined> {
    return this.#stream({ method: 'POST', path: `/pins/recover?local=${local}`, ...options })
  }

  /** Gives a pin another peer in the place of one. Only Helia Cluster peers know it. */
  movePin (cid: CidLike, { from, to = [], ...options }: MoveOptions): Promise<Pin> {
    return this.#json({ method: 'POST', path: `/pins/${segment(cid)}/move?${encodeQuery({ from, to: to.join(',') })}`, ...options })
  }

  /** Moves everything away from a peer; another call changes the limits. Only Helia Cluster peers know drains and rebalances. */
  drain (peer: string, { signal, ...limits }: LimitOptions & CallOptions = {}): Promise<Drain> {
    return this.#json({
      method: 'POST', path: `/peers/${segment(peer)}/drain${queryOf(limitQuery(limits))}`, ...(signal == null ? {} : { signal })
    })
  }

  /** Status 404 when the peer isn't drained, 409 when another peer than the asked one drains it. */
  drainOf (peer: string, options: CallOptions = {}): Promise<Drain> { return this.#json({
    method: 'GET', path: `/peers/${segment(peer)}/drain`, ...options
  }) }

  /** What has moved stays where it is. */
  cancelDrain (peer: string, options: CallOptions = {}): Promise<Drain> { return this.#json({
    method: 'DELETE', path: `/peers/${segment(peer)}/drain`, ...options
  }) }

  /** Those that the asked peer does. */
  drains (options: CallOptions = {}): Promise<Drain[]> { return this.#json({ method: 'GET', path: '/drains', ...options }) }

  /** What `rebalance` would move. */
  rebalancePlan ({ signal, ...order }: RebalanceOptions & CallOptions = {}): Promise<RebalancePlan> {
    return this.#json({ method: 'GET', path: `/rebalance/plan${queryOf(balanceQuery(order))}`, ...(signal == null ? {} : { signal }) })
  }

  /** Moves pins until all peers are filled alike; goes on in the background. */
  rebalance ({ signal, ...order }: RebalanceOptions & LimitOptions & CallOptions = {}): Promise<Rebalance> {
    return this.#json({
      method: 'POST', path: `/rebalance${queryOf({ ...balanceQuery(order), ...limitQuery(order) })}`, ...(signal == null ? {} : { signal })
    })
  }

  /** The latest of the asked peer; status 404 when there is none. */
  rebalanceStatus (options: CallOptions = {}): Promise<Rebalance> { return this.#json({ method: 'GET', path: '/rebalance', ...options }) }

  cancelRebalance (options: CallOptions = {}): Promise<Rebalance> { return this.#json({
    method: 'DELETE', path: '/rebalance', ...options
  }) }

  /**
   * Begins to look whether what a peer holds is really there: the asked one, or `peer`, whose IPFS node is asked for random blocks. Only
   * Helia Cluster peers know audits.
   */
  audit ({ cids = [], sample, peer, repair = false, ...options }: AuditOptions & CallOptions = {}): Promise<Audit> {
    const query = encodeQuery({
      cids: cids.map(String).join(','), sample: sample == null ? '' : String(sample), peer: peer ?? '', repair: String(repair)
    })
    return this.#json({ method: 'POST', path: `/audit?${query}`, ...options })
  }

  /** Newest first. */
  audits (options: CallOptions = {}): Promise<Audit[]> { return this.#json({ method: 'GET', path: '/audit', ...options }) }

  cancelAudit (options: CallOptions = {}): Promise<Audit> { return this.#json({ method: 'DELETE', path: '/audit', ...options }) }

  /** The latest result of each pin; `bad`: only of those that weren't whole. */
  auditResults ({ bad = false, ...options }: CallOptions & { bad?: boolean } = {}): AsyncGenerator<AuditResult, void, undefined> {
    return this.#stream({ method: 'GET', path: `/audit/results?bad=${bad}`, ...options })
  }

  /** Whether the pinsets of the other peers are the same as that of the peer that is asked. Not of Go's peers. */
  sync (options: CallOptions = {}): Promise<ClusterSync> { return this.#json({ method: 'GET', path: '/health/sync', ...options }) }

  /** The pins in which two peers differ; `repair` lets both merge their histories again. Not of Go's peers. */
  pinsetDiff (one: string, other: string, { repair = false, ...options }: CallOptions & { repair?: boolean } = {}): Promise<PinsetDiff> {
    return this.#json({ method: repair ? 'POST' : 'GET', path: `/health/diff/${percentEncode(one)}/${percentEncode(other)}`, ...options })
  }

  /** Figures of the pinset, by peer. Only Helia Cluster peers know it. */
  pinsHealth (options: CallOptions = {}): Promise<PinsHealth> { return this.#json({ method: 'GET', path: '/health/pins', ...options }) }

  /** What metrics were in the last hour. Only Helia Cluster peers know it. */
  metricHistory (options: CallOptions = {}): Promise<MetricHistory> { return this.#json({
    method: 'GET', path: '/monitor/history', ...options
  }) }

  connectGraph (options: CallOptions = {}): Promise<ConnectGraph> { return this.#json({
    method: 'GET', path: '/health/graph', ...options
  }) }

  alerts (options: CallOptions = {}): Promise<Alert[]> { return this.#json({ method: 'GET', path: '/health/alerts', ...options }) }

  /** Of the asked peer's log, newest first. Only Helia Cluster peers know them, as all that is about events. */
  warnings (options: CallOptions = {}): Promise<Warning[]> { return this.#json({ method: 'GET', path: '/health/warnings', ...options }) }

  /**
   * What happens in the cluster, as the asked peer sees it, as it happens. The peer ends the stream every ten minutes: call it again with
   * the `id` of the last event as `after`, and nothing is left out.
   */
  async * events ({ signal, ...query }: EventsQuery & CallOptions = {}): AsyncGenerator<ClusterEvent, void, undefined> {
    const response = await this.#answer({ method: 'GET', path: eventsPath('/events', query), ...(signal == null ? {} : { signal }) })
    await throwIfRefused(response)
    yield * eventsOf(response.body)
  }

  /** Those of the asked peer's configuration. */
  webhooks (options: CallOptions = {}): Promise<ConfiguredWebhook[]> { return this.#json({ method: 'GET', path: '/webhooks', ...options }) }
  testWebhook (id: number, options: CallOptions = {}): Promise<WebhookDelivery> { return this.#json({
    method: 'POST', path: `/webhooks/${id}/test`, ...options
  }) }

  /** Whether the asked peer is fine; answers also when it isn't. Only Helia Cluster peers know it. */
  async readiness (options: CallOptions = {}): Promise<Readiness> {
    const response = await this.#answer({ method: 'GET', path: '/health/ready', ...options })
    if (response.status !== 503) await throwIfRefused(response)
    return parseExact(await textOf(response)) as Readiness
  }

  /** By libp2p protocol. */
  bandwidth (options: CallOptions = {}): Promise<Record<string,
  Bandwidth>> { return this.#json({ method: 'GET', path: '/health/bandwidth', ...options }) }

  metricNames (options: CallOptions = {}): Promise<string[]> { return this.#json({ method: 'GET', path: '/monitor/metrics', ...options }) }

  metrics (name: string, options: CallOptions = {}): Promise<Metric[]> { return this.#json({
    method: 'GET', path: `/monitor/metrics/${segment(name)}`, ...options
  }) }

  /** Removes what nothing needs from the IPFS nodes. */
  collectGarbage ({ local = false, ...options }: LocalOptions = {}): Promise<GlobalRepoGc> { return this.#json({
    method: 'POST', path: `/ipfs/gc?local=${local}`, ...options
  }) }

  /** A token for `auth`, in exchange for the password. */
  async token (options: CallOptions = {}): Promise<string> {
    return (await this.#json<{ token: string }>({ method: 'POST', path: '/token', ...options })).token
  }

  async #json<Result> (call: Call): Promise<Result> {
    const response = await this.#answer(call)
    await throwIfRefused(response)
    const text = await textOf(response)
    try {
      return parseExact(text) as Result
    } catch (err) {
      throw new ApiError(
        response.status, text === '' ? 'unexpected end of JSON input' : `the answer is not JSON: ${text.slice(0, 200)}`, { cause: err }
      )
    }
  }

  /** For calls whose answer has nothing to tell. */
  async #done (call: Call): Promise<void> {
    const response = await this.#answer(call)
    await throwIfRefused(response)
    await textOf(response)
  }

  async * #stream<Item> (call: Call): AsyncGenerator<Item, void, undefined> {
    yield * streamOf<Item>(await this.#answer(call))
  }

  async #answer ({ headers = {}, ...call }: Call): Promise<TransportResponse> {
    try {
      return await this.#transport.request({ ...call, headers: { ...this.#headers, ...headers } } as TransportRequest)
    } catch (err) {
      throw unanswered(err, call.signal)
    }
  }
}

/** A client of a cluster peer's REST API. `init` says where it is and who asks; nothing is sent before the first call. */
export const createClient = (init: ClientInit = {}): ClusterClient => new ClusterClient(init)

function authorization (auth: Auth): string {
  if ('token' in auth) return `Bearer ${auth.token}`
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${auth.username}:${auth.password}`)))}`
}

const queryOf = (values: Readonly<Record<string, string>>): string => Object.keys(values).length === 0 ? '' : `?${encodeQuery(values)}`

const limitQuery = ({ maxPinsPerSecond, maxBytesPerSecond, atOnce }: LimitOptions): Record<string, string> => ({
  ...(maxPinsPerSecond == null ? {} : { 'max-pins-per-second': String(maxPinsPerSecond) }),
  ...(maxBytesPerSecond == null ? {} : { 'max-bytes-per-second': String(maxBytesPerSecond) }),
  ...(atOnce == null ? {} : { 'at-once': String(atOnce) })
})

const balanceQuery = ({ by = [], equal = false }: RebalanceOptions): Record<string, string> => ({
  ...(by.length === 0 ? {} : { by: by.join(',') }), ...(equal ? { equal: 'true' } : {})
})

/** Colons are fine in paths, and metrics have them. */
const segment = (text: CidLike): string => percentEncode(text.toString()).replaceAll('%3A', ':')

/** "/ipfs/<cid>/a/b" with every segment escaped; a bare CID counts as "/ipfs/<cid>". */
function contentPath (content: CidLike): string {
  const text = content.toString()
  const path = /^\/(ipfs|ipns|ipld)\//.test(text) ? text : `/ipfs/${text}`
  return path.split('/').map(segment).join('/')
}
