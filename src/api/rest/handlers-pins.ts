import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { Clock } from '../../base/clock.ts'
import { isClusterError } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { badRequest, HttpError, orBadRequest } from '../../http/error-dialect.ts'
import type { Query } from '../../http/request/query.ts'
import type { HeaderList, Reply } from '../../http/answer/reply.ts'
import { jsonReply, listReply } from '../../http/answer/reply.ts'
import type { Call } from '../../http/routing/route.ts'
import type { CID } from '../../model/cid.ts'
import type { Pin, PinOptions } from '../../model/pin.ts'
import { allPinTypes, pinTypes } from '../../model/pin.ts'
import { pinText } from '../../model/pin-json.ts'
import type { GlobalPinInfo } from '../../model/pin-info.ts'
import { isUnderReplicated } from '../../model/pin-info.ts'
import { parseStatusFilter, statusMatches } from '../../model/status.ts'
import { statusJson, statusLines } from '../../model/status-printer.ts'
import { booleanParam } from '../common/boolean-param.ts'
import { parsePeerId } from '../common/peer-id.ts'
import { allocationLines, cidStatusLines } from './lines.ts'
import { cidParameter, givenExpireAt, parsePinOptions } from '../common/pin-options.ts'
import { progressJson } from './progress-json.ts'

export interface PinHandlersDeps { cluster: ClusterApi, clock: Clock }

/** Old clients are told that `sync` is gone (RFC 9745). */
const deprecated: HeaderList = [['Deprecation', 'true']]

/** A filter of ours that isn't one of Go's statuses. */
const underReplicated = 'under_replicated'

/** What a move that can't be done now is answered with. */
const moveStatus: Partial<Record<ErrorCode, number>> = {
  NOT_PINNED: 404, INVALID_ARGUMENT: 400, NOT_ENOUGH_PEERS: 409, CONFLICT: 409, QUEUE_FULL: 409
}

const namesOf = (text: string): string[] => text.replaceAll(' ', '').split(',').filter(name => name !== '')

const isLocal = (query: Query): boolean => query.get('local') === 'true'

/** The pinset: what shall be pinned, and what is. */
export class PinHandlers {
  readonly #cluster: ClusterApi
  readonly #clock: Clock

  constructor ({ cluster, clock }: PinHandlersDeps) {
    this.#cluster = cluster
    this.#clock = clock
  }

  readonly pin = async (call: Call): Promise<Reply> => {
    const { cid, options } = this.#request(call)
    // it can't be cancelled once it is asked for: nobody would look at the signal
    return pinReply(await this.#cluster.pin(cid, options), { options, query: call.query })
  }

  readonly pinPath = async (call: Call): Promise<Reply> => {
    const options = parsePinOptions(call.query, this.#clock.now())
    const pin = await this.#cluster.pinPath(pathOf(call), options, { signal: call.signal }).catch(refusePath)
    return pinReply(pin, { options, query: call.query })
  }

  readonly unpin = async (call: Call): Promise<Reply> => {
    const { cid } = this.#request(call)
    return jsonReply(pinText(await this.#cluster.unpin(cid, { signal: call.signal })))
  }

  readonly unpinPath = async (call: Call): Promise<Reply> => {
    parsePinOptions(call.query, this.#clock.now())
    return jsonReply(pinText(await this.#cluster.unpinPath(pathOf(call), { signal: call.signal }).catch(refusePath)))
  }

  readonly allocation = (call: Call): Reply => jsonReply(pinText(this.#cluster.allocation(this.#request(call).cid)))

  readonly allocations = ({ query, signal }: Call): Reply => {
    const types = parseTypeFilter(query.get('filter'))
    const everything = (types & allPinTypes) === allPinTypes
    return listReply(everything ? this.#cluster.allocationLines({ signal }) : allocationLines(this.#cluster.allocations({ signal }), types))
  }

  readonly status = async (call: Call): Promise<Reply> => {
    const { cid } = this.#request(call)
    return jsonReply(statusJson(await this.#cluster.status(cid, { local: isLocal(call.query), signal: call.signal })))
  }

  readonly statusAll = ({ query, signal }: Call): Reply => {
    const scope = { local: isLocal(query), signal }
    const cids = query.get('cids')
    if (cids !== '') return listReply(cidStatusLines(cids.split(',').map(cidParameter), cid => this.#cluster.status(cid, scope)))
    const missing = booleanParam(query, 'missing')
    if (namesOf(query.get('filter')).includes(underReplicated)) return listReply(statusLines(this.#incomplete(query, scope)))
    const filter = orFilterError(() => parseStatusFilter(query.get('filter')))
    return listReply(this.#cluster.statusLines(filter, missing ? { ...scope, missing } : scope))
  }

  /** Gives a pin another holder. */
  readonly move = async (call: Call): Promise<Reply> => {
    const { cid } = this.#request(call)
    const from = orBadRequest(() => parsePeerId(call.query.get('from')), 'error decoding from: failed to parse peer ID')
    const to = orBadRequest(() => namesOf(call.query.get('to')).map(parsePeerId), 'error decoding to: failed to parse peer ID')
    try {
      return jsonReply(pinText(await this.#cluster.movePin(cid, { from, to }, { signal: call.signal })))
    } catch (err) {
      const status = isClusterError(err) ? moveStatus[err.code] : undefined
      throw status == null || !(err instanceof Error) ? err : new HttpError(status, err.message, { cause: err })
    }
  }

  /** Rows of pins that fewer peers have than shall have them, and of those that have one of the other statuses of the filter. */
  async * #incomplete (query: Query, scope: { local: boolean, signal: AbortSignal }): AsyncGenerator<GlobalPinInfo[]> {
    const others = namesOf(query.get('filter')).filter(name => name !== underReplicated).join(',')
    const mask = others === '' ? undefined : orFilterError(() => parseStatusFilter(others))
    const isWanted = (info: GlobalPinInfo): boolean =>
      isUnderReplicated(info) || (mask != null && [...info.peerMap.values()].some(({ status }) => statusMatches(status, mask)))
    for await (const batch of this.#cluster.statusAll(0, { ...scope, missing: true })) {
      const wanted = batch.filter(isWanted)
      if (wanted.length > 0) yield wanted
    }
  }

  readonly sync = async (call: Call): Promise<Reply> => ({ ...await this.status(call), headers: deprecated } as Reply)

  readonly syncAll = (call: Call): Reply => ({ ...this.statusAll(call), headers: deprecated } as Reply)

  readonly recover = async (call: Call): Promise<Reply> => {
    const { cid } = this.#request(call)
    return jsonReply(statusJson(await this.#cluster.recover(cid, { local: isLocal(call.query), signal: call.signal })))
  }

  readonly recoverAll = ({ query, signal }: Call): Reply =>
    listReply(statusLines(this.#cluster.recoverAll({ local: isLocal(query), signal })))

  readonly progress = async (call: Call): Promise<Reply> => {
    const { cid } = this.#request(call)
    return jsonReply(progressJson(await this.#cluster.progress(cid, { signal: call.signal }), this.#clock.now()))
  }

  /** The CID of the path and the options; both are checked on every route that has a CID. */
  #request ({ params, query }: Call): { cid: CID, options: PinOptions } {
    return { cid: cidParameter(params.cid ?? ''), options: parsePinOptions(query, this.#clock.now()) }
  }
}

const pathOf = ({ params }: Call): string => `/${params.namespace}/${params.path}`

/** A path that isn't one is the client's fault; everything else is the cluster's word. */
function refusePath (err: unknown): never {
  if (isClusterError(err, 'INVALID_ARGUMENT') && err.details.path != null) throw badRequest(err.message, { cause: err })
  throw err
}

/** An update copies a stored pin, so what isn't stored shows; else the answer echoes the request (api/types.go). */
function pinReply (pin: Pin, { options, query }: { options: PinOptions, query: Query }): Reply {
  const isUpdate = options.pinUpdate != null && !options.pinUpdate.equals(pin.cid)
  const given = query.raw === '' ? undefined : givenExpireAt(query)
  return jsonReply(pinText(pin, { form: isUpdate ? 'stored' : 'echo', ...given?.time === pin.expireAt ? { expireAt: given.text } : {} }))
}

/** Bits of the wanted types. Only an answer that is exactly "bad" is refused, as in Go. */
function parseTypeFilter (text: string): number {
  if (text === '') return allPinTypes
  const bits = text.split(',').reduce((all, name) => all | typeBits(name), 0)
  if (bits === pinTypes['bad-type']) throw badRequest('invalid filter value')
  return bits
}

function typeBits (name: string): number {
  if (name === '' || name === 'all') return allPinTypes
  return Object.hasOwn(pinTypes, name) ? pinTypes[name as keyof typeof pinTypes] : pinTypes['bad-type']
}

function orFilterError<T> (parse: () => T): T {
  try {
    return parse()
  } catch (err) {
    throw badRequest('invalid filter value', { cause: err })
  }
}
