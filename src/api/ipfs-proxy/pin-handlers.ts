import { byteLengthOfText } from '../../base/text/byte-text.ts'
import { ClusterError, invalidArgument, isClusterError, messageOf } from '../../base/errors.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import { badRequest } from '../../http/error-dialect.ts'
import type { RequestContext } from '../../http/request-context.ts'
import type { Query } from '../../http/request/query.ts'
import type { Reply, TextReply } from '../../http/answer/reply.ts'
import { jsonType } from '../../http/answer/reply.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { CID } from '../../model/cid.ts'
import { parseCid } from '../../model/cid.ts'
import { goJson } from '../../model/go-json.ts'
import type { Pin, PinOptions } from '../../model/pin.ts'
import { defaultPinOptions } from '../../model/pin.ts'
import { contentPath } from './paths.ts'
import { listPins, memberOf, rowOf } from './pin-list.ts'

export interface PinHandlersDeps { cluster: ClusterApi, ipfs: Pick<IpfsConnector, 'resolve'> }

/** `pin/add`, `pin/rm`, `pin/update` and `pin/ls` on the cluster's pinset (api/ipfsproxy). `argument` is the path's, if it has one. */
export class ProxyPinHandlers {
  readonly #deps: PinHandlersDeps

  constructor (deps: PinHandlersDeps) { this.#deps = deps }

  async add ({ query, signal }: RequestContext, argument?: string): Promise<Reply> {
    const cids: CID[] = []
    for (const path of asked(query, argument)) cids.push((await this.#deps.cluster.pinPath(path, pinOptions(query), { signal })).cid)
    return pinsReply(...cids)
  }

  async remove ({ query, signal }: RequestContext, argument?: string): Promise<Reply> {
    const cids: CID[] = []
    for (const path of asked(query, argument)) cids.push((await this.#deps.cluster.unpinPath(path, { signal })).cid)
    return pinsReply(...cids)
  }

  /** The new pin takes the old one's blocks; the old one goes unless `unpin=false`. */
  async update ({ query, signal }: RequestContext): Promise<Reply> {
    const [from, to] = query.all('arg')
    if (from == null || from === '') throw badRequest('argument "from-path" is required')
    if (to == null || to === '') throw badRequest('argument "to-path" is required')
    const { cluster, ipfs } = this.#deps
    const fromPath = parsed(from, 'error parsing "from-path" argument')
    const toPath = parsed(to, 'error parsing "to-path" argument')
    const pinUpdate = await ipfs.resolve(fromPath, { signal })
    const { cid } = await cluster.pinPath(toPath, { ...defaultPinOptions(), pinUpdate }, { signal })
    if (query.get('unpin') !== 'false' && !cid.equals(pinUpdate)) await cluster.unpin(pinUpdate, { signal })
    return pinsReply(pinUpdate, cid)
  }

  async list ({ query, signal }: RequestContext, argument?: string): Promise<Reply> {
    const isStream = query.get('stream') === 'true' || query.get('s') === 'true'
    const withNames = query.get('names') === 'true'
    const arg = argument ?? query.get('arg')
    if (arg === '') return listPins(this.#deps.cluster.allocations({ signal }), { isStream, withNames })
    const pin = this.#pinned(arg)
    return wholeReply(isStream ? rowOf(pin, withNames) : `{"Keys":{${memberOf(pin, withNames)}}}`)
  }

  #pinned (arg: string): Pin {
    try {
      return this.#deps.cluster.allocation(parseCid(arg))
    } catch (err) {
      if (!isClusterError(err, 'NOT_PINNED')) throw err
      throw new ClusterError('NOT_PINNED', { cid: arg.slice(0, 200) }, { message: `Error: path '${arg}' is not pinned` })
    }
  }
}

function pinOptions (query: Query): PinOptions {
  const isDirect = query.get('type') === 'direct' || query.get('recursive') === 'false'
  return { ...defaultPinOptions(), mode: isDirect ? 'direct' : 'recursive', name: pinName(query) }
}

/** Kubo takes no longer ones, and tools that pin through it know. */
const maxNameBytes = 255

function pinName (query: Query): string {
  const name = query.get('name')
  const bytes = byteLengthOfText(name)
  if (bytes > maxNameBytes) {
    throw invalidArgument(`pin name is ${bytes} bytes (max ${maxNameBytes} bytes)`, { bytes })
  }
  if (!name.isWellFormed()) throw badRequest('string field contains invalid UTF-8')
  return name
}

/** The paths of a call, all of them good before the first one is acted on. */
function asked (query: Query, argument?: string): string[] {
  const all = argument == null ? query.all('arg') : [argument]
  return (all.length === 0 ? [''] : all).map(path => parsed(path, 'Error parsing IPFS Path'))
}

function parsed (argument: string, what: string): string {
  try {
    return contentPath(argument)
  } catch (err) {
    throw new ClusterError('INVALID_ARGUMENT', { path: argument.slice(0, 200) }, { message: `${what}: ${messageOf(err)}`, cause: err })
  }
}

const pinsReply = (...cids: CID[]): TextReply => wholeReply(goJson({ Pins: cids.map(String) }))

/** JSON without a newline, as Go's proxy writes it. */
export const wholeReply = (body: string): TextReply => ({ kind: 'text', status: 200, contentType: jsonType, body })
