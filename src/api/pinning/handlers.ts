import { isClusterError } from '../../base/errors.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { Authenticator } from '../../http/request/auth.ts'
import { HttpError, orBadRequest } from '../../http/error-dialect.ts'
import type { Reply } from '../../http/answer/reply.ts'
import { emptyReply, jsonReply } from '../../http/answer/reply.ts'
import type { Call } from '../../http/routing/route.ts'
import type { CID } from '../../model/cid.ts'
import { parseCid } from '../../model/cid.ts'
import { goJson } from '../../model/go-json.ts'
import type { Pin, PinOptions } from '../../model/pin.ts'
import { defaultPinOptions, modeOfDepth } from '../../model/pin.ts'
import type { PinningStatus } from '../../model/pinning-service.ts'
import { wholeSeconds } from '../../model/time.ts'
import type { IndexedPin, PinIndex } from '../../pinindex/pinindex.ts'
import type { Delegates } from '../common/delegates.ts'
import type { IndexFollower } from './index-follower.ts'
import { parseListQuery } from './list-query.ts'
import type { WantedPin } from './pin-body.ts'
import { readPinBody } from './pin-body.ts'
import type { PinStatus } from './pin-status-json.ts'
import { pinListJson, pinStatusJson } from './pin-status-json.ts'
import type { StatusTable } from './status-table.ts'

export interface PinningHandlersDeps {
  cluster: ClusterApi
  index: PinIndex
  follower: Pick<IndexFollower, 'equal' | 'flush'>
  statuses: Pick<StatusTable, 'fresh' | 'ask'>
  delegates: Pick<Delegates, 'refresh' | 'of'>
  authenticator: Authenticator | null
}

/** The Pinning Service API (its specification 1.0.0, and api/pinsvcapi). */
export class PinningHandlers {
  readonly #deps: PinningHandlersDeps

  constructor (deps: PinningHandlersDeps) { this.#deps = deps }

  readonly list = async ({ query, signal }: Call): Promise<Reply> => {
    const { index, follower, statuses, delegates } = this.#deps
    const wanted = parseListQuery(query)
    await follower.equal(signal)
    await Promise.all([statuses.fresh(signal), delegates.refresh()])
    follower.flush()
    const { count, pins } = await index.find(wanted, { signal })
    return jsonReply(pinListJson(count, pins.map(row => this.#listed(row)).filter(item => item != null)))
  }

  readonly add = async ({ body, signal }: Call): Promise<Reply> => {
    const { cid, ...wanted } = await readPinBody(body)
    return this.#accepted(await this.#deps.cluster.pin(cid, { ...defaultPinOptions(), ...wanted }, { signal }))
  }

  readonly get = async ({ params, signal }: Call): Promise<Reply> => {
    const { statuses, delegates } = this.#deps
    const pin = this.#pinOf(requestedCid(params))
    this.#deps.follower.flush()
    const [status] = await Promise.all([pin == null ? undefined : statuses.ask(pin.cid, signal), delegates.refresh()])
    if (pin == null || status == null) throw new HttpError(404, 'pin not found')
    return jsonReply(goJson(pinStatusJson(this.#status(pin, status))))
  }

  /** The old pin stays until the new one is in the pinset. What the body doesn't say is taken over from the old pin. */
  readonly replace = async ({ params, body, signal }: Call): Promise<Reply> => {
    const { cluster } = this.#deps
    const old = requestedCid(params)
    const wanted = await readPinBody(body)
    const replaced = cluster.allocation(old)
    const pin = await cluster.pin(wanted.cid, replacement(wanted, replaced), { signal })
    if (!wanted.cid.equals(old)) await cluster.unpin(old, { signal })
    return this.#accepted(pin)
  }

  readonly remove = async ({ params, signal }: Call): Promise<Reply> => {
    await this.#deps.cluster.unpin(requestedCid(params), { signal })
    return emptyReply(202)
  }

  /** The token of whoever asks; 401 when the API asks for no credentials. */
  readonly token = ({ principal }: Call): Reply => {
    const token = principal == null ? undefined : this.#deps.authenticator?.token(principal)
    if (token == null) throw new HttpError(401, 'unauthorized')
    return jsonReply(goJson({ token }))
  }

  readonly health = (): Reply => emptyReply()

  async #accepted (pin: Pin): Promise<Reply> {
    this.#deps.follower.flush()
    await this.#deps.delegates.refresh()
    return jsonReply(goJson(pinStatusJson(this.#status(pin, 'queued'))), 202)
  }

  #listed ({ cid, status, created }: IndexedPin): PinStatus | undefined {
    const pin = this.#pinOf(parseCid(cid))
    // rows that are found are in one of the listed statuses
    return pin == null ? undefined : { pin, status: status as PinningStatus, created, delegates: this.#deps.delegates.of(pin) }
  }

  #status (pin: Pin, status: PinningStatus): PinStatus {
    const created = this.#deps.index.get(pin.cid.toString())?.created ?? wholeSeconds(pin.timestamp)
    return { pin, status, created, delegates: this.#deps.delegates.of(pin) }
  }

  #pinOf (cid: CID): Pin | undefined {
    try {
      return this.#deps.cluster.allocation(cid)
    } catch (err) {
      if (isClusterError(err, 'NOT_PINNED')) return undefined
      throw err
    }
  }
}

const requestedCid = (params: Call['params']): CID => orBadRequest(() => parseCid(params.requestid ?? ''), 'error decoding requestID')

/** As Go's "update": everything comes from the old pin but what is given. The same CID is pinned again with the body's options alone. */
function replacement ({ cid, name, origins, metadata }: WantedPin, old: Pin): PinOptions {
  const given = { ...defaultPinOptions(), name, origins, metadata }
  if (cid.equals(old.cid)) return { ...keptOptions(old), name, origins, metadata }
  if (origins.length === 0 && Object.keys(metadata).length === 0) return { ...given, pinUpdate: old.cid }
  return {
    ...keptOptions(old),
    name: name === '' ? old.name : name,
    origins: origins.length === 0 ? old.origins : origins,
    metadata: Object.keys(metadata).length === 0 ? old.metadata : metadata
  }
}

/** Where and how the old pin was held. */
function keptOptions ({ replicationFactorMin, replicationFactorMax, shardSize, expireAt, allocations, maxDepth }: Pin): PinOptions {
  return {
    ...defaultPinOptions(), replicationFactorMin, replicationFactorMax, shardSize, expireAt, mode: modeOfDepth(maxDepth),
    userAllocations: allocations
  }
}
