import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { isClusterError } from '../../base/errors.ts'
import { HttpError, badRequest, orBadRequest } from '../../http/error-dialect.ts'
import type { Reply } from '../../http/answer/reply.ts'
import { emptyReply, jsonReply, listReply } from '../../http/answer/reply.ts'
import type { Call } from '../../http/routing/route.ts'
import { goJson } from '../../model/go-json.ts'
import type { PeerInfo } from '../../model/peer.ts'
import { peerInfoJson } from '../../model/peer.ts'
import { booleanParam } from '../common/boolean-param.ts'
import { parsePeerId, tryPeerId } from '../common/peer-id.ts'

const bodyLimitBytes = 64 * 1024

/** What a removal that can't be done now is answered with; Go can't remove peers at all in CRDT mode. */
const removalStatus: Partial<Record<ErrorCode, number>> = { NOT_FOUND: 404, INVALID_ARGUMENT: 400, PEER_IN_USE: 409 }

/** The members of the cluster. */
export class PeerHandlers {
  readonly #cluster: ClusterApi

  constructor (cluster: ClusterApi) { this.#cluster = cluster }

  readonly list = ({ query, signal }: Call): Reply =>
    listReply(peerLines(this.#cluster.peers({ missing: booleanParam(query, 'missing'), signal })))

  readonly add = async ({ body, signal }: Call): Promise<Reply> => {
    const json = await body.json(bodyLimitBytes)
    if (json == null || typeof json !== 'object' || Array.isArray(json)) throw badRequest('error decoding request body')
    const id = (json as { peer_id?: unknown }).peer_id ?? ''
    if (typeof id !== 'string') throw badRequest('error decoding request body')
    const peer = tryPeerId(id)
    if (peer == null) throw badRequest('error decoding peer_id')
    return jsonReply(goJson(peerInfoJson(await this.#cluster.addPeer(peer, { signal }))))
  }

  readonly remove = async ({ params, signal }: Call): Promise<Reply> => {
    const peer = orBadRequest(() => parsePeerId(params.peer ?? ''), 'error decoding Peer ID: failed to parse peer ID')
    try {
      await this.#cluster.removePeer(peer, { signal })
    } catch (err) {
      const status = isClusterError(err) ? removalStatus[err.code] : undefined
      throw status == null || !(err instanceof Error) ? err : new HttpError(status, err.message, { cause: err })
    }
    return emptyReply()
  }
}

async function * peerLines (peers: AsyncIterable<PeerInfo>): AsyncGenerator<string, void, undefined> {
  for await (const peer of peers) yield `${goJson(peerInfoJson(peer))}\n`
}
