import type { ClusterApi, PinsetDiff } from '../../cluster/cluster-api.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { isClusterError } from '../../base/errors.ts'
import { HttpError, orBadRequest } from '../../http/error-dialect.ts'
import type { Reply } from '../../http/answer/reply.ts'
import { jsonReply } from '../../http/answer/reply.ts'
import type { Call } from '../../http/routing/route.ts'
import type { PeerId } from '../../model/cid.ts'
import { goJson } from '../../model/go-json.ts'
import { formatTime } from '../../model/time.ts'
import { parsePeerId } from '../common/peer-id.ts'

/** `UNSUPPORTED`: one of them is a Go peer; `NOT_READY`: one is counting its pinset, or answers others. */
const diffStatus: Partial<Record<ErrorCode, number>> = { INVALID_ARGUMENT: 400, UNSUPPORTED: 400, NOT_FOUND: 404, NOT_READY: 503 }

/** Whether pinsets agree, and in what they don't. */
export class SyncHandlers {
  readonly #cluster: Pick<ClusterApi, 'sync' | 'pinsetDiff'>

  constructor (cluster: Pick<ClusterApi, 'sync' | 'pinsetDiff'>) { this.#cluster = cluster }

  readonly sync = (): Reply => {
    const { own, peers } = this.#cluster.sync()
    return jsonReply(goJson({
      own: own == null ? null : { pins: own.pins, digest: own.digest, heads: own.heads, complete: own.isComplete },
      peers: peers.map(({ peer, peerName, isTrusted, state, since, by, pins, digest, heads }) =>
        ({ peer, peername: peerName, trusted: isTrusted, state, since: since == null ? null : formatTime(since), by, pins, digest, heads }))
    }))
  }

  readonly diff = async (call: Call): Promise<Reply> => this.#diff(call, false)
  readonly repair = async (call: Call): Promise<Reply> => this.#diff(call, true)

  async #diff ({ params, signal }: Call, repair: boolean): Promise<Reply> {
    const peerOf = (text: string | undefined): PeerId =>
      orBadRequest(() => parsePeerId(text ?? ''), 'error decoding Peer ID: failed to parse peer ID')
    const peers = { one: peerOf(params.one), other: peerOf(params.other) }
    try {
      return jsonReply(goJson(diffJson(await this.#cluster.pinsetDiff(peers, { repair, signal }))))
    } catch (err) {
      const status = isClusterError(err) ? diffStatus[err.code] : undefined
      throw status == null || !(err instanceof Error) ? err : new HttpError(status, err.message, { cause: err })
    }
  }
}

const diffJson = ({ one, other, pins, isCut, isSameHeads, repair }: PinsetDiff): Record<string, unknown> => ({
  one,
  other,
  same_heads: isSameHeads,
  more: isCut,
  pins: pins.map(pin => ({ cid: pin.cid.toString(), one: pin.one, other: pin.other })),
  repair: repair?.map(({ peer, lostBlocks, repaired }) => ({ peer, lost_blocks: lostBlocks, mended: repaired })) ?? null
})
