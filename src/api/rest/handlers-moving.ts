import type { ClusterApi, PaceLimits, RebalanceOrder } from '../../cluster/cluster-api.ts'
import { isClusterError } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { badRequest, HttpError, orBadRequest } from '../../http/error-dialect.ts'
import type { Query } from '../../http/query.ts'
import type { Reply } from '../../http/reply.ts'
import { jsonReply } from '../../http/reply.ts'
import type { Call } from '../../http/route.ts'
import type { PeerId } from '../../model/cid.ts'
import { goJson } from '../../model/go-json.ts'
import { parsePeerId } from '../common/peer-id.ts'
import { drainJson, rebalanceJson, rebalancePlanJson } from './moving-json.ts'

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
  return { ...(by.length === 0 ? {} : { by }), ...(query.get('equal') === 'true' ? { equal: true } : {}) }
}

/** Those that are given. */
function limitsOf (query: Query): Partial<PaceLimits> {
  const limits = {
    maxPinsPerSecond: numberOf(query, 'max-pins-per-second'), maxBytesPerSecond: numberOf(query, 'max-bytes-per-second'),
    atOnce: numberOf(query, 'at-once')
  }
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value != null))
}

function numberOf (query: Query, name: string): number | undefined {
  const text = query.get(name)
  if (text === '') return undefined
  if (!/^\d{1,15}(\.\d{1,9})?$/.test(text)) throw badRequest(`${name} is not a number, 0 or more`)
  return Number(text)
}
