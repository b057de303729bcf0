import type { ErrorCode } from '../../base/errors.ts'
import { isClusterError } from '../../base/errors.ts'
import type { AuditOrder, AuditResult, AuditRun, ClusterApi } from '../../cluster/cluster-api.ts'
import { badRequest, HttpError, orBadRequest } from '../../http/error-dialect.ts'
import type { Reply } from '../../http/answer/reply.ts'
import { jsonReply, listReply } from '../../http/answer/reply.ts'
import type { Call } from '../../http/routing/route.ts'
import { parseCid } from '../../model/cid.ts'
import { goJson } from '../../model/go-json.ts'
import { formatTime } from '../../model/time.ts'
import { booleanParam } from '../common/boolean-param.ts'
import { decimalOf } from '../common/decimal-param.ts'
import { parsePeerId } from '../common/peer-id.ts'

/** `UNSUPPORTED`: an external IPFS node can't. */
const auditStatus: Partial<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400, UNSUPPORTED: 400, NOT_FOUND: 404, NOT_PINNED: 404, CONFLICT: 409
}
const mostCids = 1000

/** Whether the data is really there. */
export class AuditHandlers {
  readonly #cluster: ClusterApi

  constructor (cluster: ClusterApi) { this.#cluster = cluster }

  readonly start = ({ query }: Call): Reply => told(() => this.#cluster.audit(orderOf(query)))
  readonly list = (): Reply => jsonReply(goJson(this.#cluster.audits().map(runJson)))
  readonly cancel = (): Reply => told(() => this.#cluster.cancelAudit())
  readonly results = ({ query, signal }: Call): Reply =>
    listReply(resultLines(this.#cluster.auditResults({ isBad: booleanParam(query, 'bad'), signal })))
}

function told (act: () => AuditRun): Reply {
  try {
    return jsonReply(goJson(runJson(act())))
  } catch (err) {
    const status = isClusterError(err) ? auditStatus[err.code] : undefined
    throw status == null || !(err instanceof Error) ? err : new HttpError(status, err.message, { cause: err })
  }
}

function orderOf (query: Call['query']): AuditOrder {
  const named = query.get('cids')
  const cids = named === '' ? [] : [...new Set(named.split(','))]
  const [sample, peer] = [query.get('sample'), query.get('peer')]
  if (cids.length > mostCids) throw badRequest(`at most ${mostCids} CIDs`)
  if (cids.length > 0 && sample !== '') throw badRequest('either cids or sample')
  const sharePercent = sample === '' ? undefined : decimalOf(sample.replace(/%$/, ''))
  if (sharePercent != null && !(sharePercent > 0 && sharePercent <= 100)) throw badRequest('sample is a percentage above 0, 100 at most')
  return {
    repair: booleanParam(query, 'repair'),
    ...(cids.length === 0 ? {} : { cids: cids.map(text => orBadRequest(() => parseCid(text), 'error decoding Cid')) }),
    ...(sharePercent == null ? {} : { sharePercent }),
    ...(peer === '' ? {} : { peer: orBadRequest(() => parsePeerId(peer), 'error decoding Peer ID: failed to parse peer ID') })
  }
}

function runJson (run: AuditRun): Record<string, unknown> {
  const { id, peer, state, repair, isByItself, since, endedAt, pins, skipped, blocks, bytes, bad, failed, badBlocks, repairedBlocks } = run
  return {
    id, peer, state, repair, by_itself: isByItself, since: formatTime(since), ended_at: endedAt == null ? null : formatTime(endedAt), pins,
    skipped, blocks, bytes, bad, failed, bad_blocks: badBlocks, repaired_blocks: repairedBlocks, error: run.error
  }
}

const resultJson = ({ peer, cid, at, state, blocks, bytes, badBlocks, badCount, repaired, error }: AuditResult): Record<string, unknown> =>
  ({ peer, cid: cid.toString(), at: formatTime(at), state, blocks, bytes, bad_blocks: badBlocks, bad_count: badCount, repaired, error })

async function * resultLines (results: AsyncIterable<AuditResult[]>): AsyncGenerator<string, void, undefined> {
  for await (const batch of results) yield batch.map(result => `${goJson(resultJson(result))}\n`).join('')
}
