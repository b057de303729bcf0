import type { ClusterApi, DrainStatus, PaceLimits, RebalanceOrder, RebalancePlan, RebalanceStatus } from '../../cluster/cluster-api.ts'
import { isClusterError } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { HttpError, orBadRequest } from '../../http/error-dialect.ts'
import type { Query } from '../../http/request/query.ts'
import type { Reply } from '../../http/answer/reply.ts'
import { jsonReply } from '../../http/answer/reply.ts'
import type { Call } from '../../http/routing/route.ts'
import type { PeerId } from '../../model/cid.ts'
import { goJson } from '../../model/go-json.ts'
import { formatTime, formatTimeOrNull } from '../../model/time.ts'
import { booleanParam } from '../common/boolean-param.ts'
import { decimalOf } from '../common/decimal-param.ts'
import { parsePeerId } from '../common/peer-id.ts'

/** What is refused; Go's peers know none of this. */
const statusOfCode: Partial<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400, NOT_FOUND: 404, NOT_ENOUGH_PEERS: 409, CONFLICT: 409, QUEUE_FULL: 409
}

/** Peers that lose all of their pins, and pins that move until peers are filled alike. */
export class MovingHandlers {
  readonly #cluster: ClusterApi

  constructor (cluster: ClusterApi) { this.#cluster = cluster }

  readonly drains = (): Reply => jsonReply(goJson(this.#cluster.drains().map(drainJson)))

  readonly drain = async (call: Call): Promise<Reply> => answered(async () => drainJson(this.#cluster.drainOf(peerOf(call))))

  readonly startDrain = async (call: Call): Promise<Reply> => {
    const peer = peerOf(call)
    const limits = limitsOf(call.query)
    return answered(async () => drainJson(await this.#cluster.drainPeer(peer, limits, { signal: call.signal })))
  }

  readonly cancelDrain = async (call: Call): Promise<Reply> => {
    const peer = peerOf(call)
    return answered(async () => drainJson(await this.#cluster.cancelDrain(peer)))
  }

  readonly plan = async ({ query, signal }: Call): Promise<Reply> =>
    answered(async () => rebalancePlanJson(await this.#cluster.planRebalance(orderOf(query), { signal })))

  readonly rebalance = async ({ query, signal }: Call): Promise<Reply> => {
    const order = { ...orderOf(query), ...limitsOf(query) }
    return answered(async () => rebalanceJson(await this.#cluster.rebalance(order, { signal })))
  }

  readonly rebalanceStatus = async (): Promise<Reply> => answered(async () => rebalanceJson(this.#cluster.rebalanceStatus()))

  readonly cancelRebalance = async (): Promise<Reply> => answered(async () => rebalanceJson(await this.#cluster.cancelRebalance()))
}

async function answered (act: () => Promise<Record<string, unknown>>): Promise<Reply> {
  try {
    return jsonReply(goJson(await act()))
  } catch (err) {
    const status = isClusterError(err) ? statusOfCode[err.code] : undefined
    throw status == null || !(err instanceof Error) ? err : new HttpError(status, err.message, { cause: err })
  }
}

const peerOf = ({ params }: Call): PeerId =>
  orBadRequest(() => parsePeerId(params.peer ?? ''), 'error decoding Peer ID: failed to parse peer ID')

function orderOf (query: Query): RebalanceOrder {
  const by = query.get('by').split(',').map(tag => tag.trim()).filter(tag => tag !== '')
  return { ...(by.length === 0 ? {} : { by }), ...(booleanParam(query, 'equal') ? { equal: true } : {}) }
}

/** Those that are given. */
function limitsOf (query: Query): Partial<PaceLimits> {
  const limits = {
    maxPinsPerSecond: numberOf(query, 'max-pins-per-second'), maxBytesPerSecond: numberOf(query, 'max-bytes-per-second'),
    atOnce: numberOf(query, 'at-once')
  }
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value != null))
}

/** NaN for what is no such number: whoever knows the limits refuses it as any other that it doesn't take. */
function numberOf (query: Query, name: string): number | undefined {
  const text = query.get(name)
  return text === '' ? undefined : decimalOf(text)
}

const paceJson = ({ atOnce, maxPinsPerSecond, maxBytesPerSecond }: PaceLimits): Record<string, unknown> =>
  ({ at_once: atOnce, max_pins_per_second: maxPinsPerSecond, max_bytes_per_second: maxBytesPerSecond })

/** What `POST /peers/{peer}/drain` answers. */
function drainJson (drain: DrainStatus): Record<string, unknown> {
  const { peer, peerName, state, reason, since, endedAt, pins, left, moved, fewer, inTransit, stuck, everywhere, bytes, leftMs } = drain
  return {
    peer, peername: peerName, state, reason, since: formatTime(since), ended_at: formatTimeOrNull(endedAt), pins, left, moved, fewer,
    in_transit: inTransit, stuck, everywhere, bytes, left_ms: leftMs, ...paceJson(drain)
  }
}

const sharesJson = (peers: RebalancePlan['peers']): unknown => peers.map(
  ({ peerName, ...share }) => ({
    peer: share.peer, peername: peerName, capacity: share.capacity, pins: share.pins, goal: share.goal, after: share.after
  })
)

/** What `GET /rebalance/plan` answers. */
const rebalancePlanJson = ({ peers, pins, count, moves }: RebalancePlan): Record<string, unknown> =>
  ({ peers: sharesJson(peers), pins, count, moves: moves.map(({ cid, from, to, why }) => ({ cid: cid.toString(), from, to, why })) })

/** What `GET /rebalance` answers. */
function rebalanceJson (status: RebalanceStatus): Record<string, unknown> {
  const { state, reason, since, endedAt, planned, moved, failed, inTransit, peers } = status
  return {
    state, reason, since: formatTime(since), ended_at: formatTimeOrNull(endedAt), planned, moved, failed, in_transit: inTransit,
    ...paceJson(status), peers: sharesJson(peers)
  }
}
