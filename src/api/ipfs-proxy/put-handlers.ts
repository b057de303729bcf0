import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { RequestContext } from '../../http/request-context.ts'
import type { Reply } from '../../http/answer/reply.ts'
import { jsonType } from '../../http/answer/reply.ts'
import type { CID } from '../../model/cid.ts'
import { parseCid } from '../../model/cid.ts'
import { goJson } from '../../model/go-json.ts'
import { defaultPinOptions } from '../../model/pin.ts'
import { errorJson } from './error-dialect.ts'
import type { NodeApi, PutCommand } from './node-api.ts'

export interface PutHandlerDeps { cluster: Pick<ClusterApi, 'pin'>, node: Pick<NodeApi, 'put'> }

/** `block/put` and `dag/put` with `pin=true`: the node stores, the cluster pins each CID before its line is sent. */
export function putHandler (command: PutCommand, { cluster, node }: PutHandlerDeps): (context: RequestContext) => Promise<Reply> {
  return async context => {
    const lines = pinnedLines(node.put(command, context), async cid => cluster.pin(cid, defaultPinOptions(), { signal: context.signal }))
    let first: IteratorResult<string, void>
    try {
      first = await lines.next()
    } catch (err) {
      // the node's own refusal goes out as the node prints it
      if (!isClusterError(err, 'IPFS_ERROR')) throw err
      return { kind: 'text', status: 500, contentType: jsonType, body: `${errorJson(err.message)}\n` }
    }
    return { kind: 'lines', style: 'progress', source: withFirst(first.done === true ? undefined : first.value, lines) }
  }
}

async function * pinnedLines (
  answers: AsyncIterable<unknown>, pin: (cid: CID) => Promise<unknown>
): AsyncGenerator<string, void, undefined> {
  for await (const answer of answers) {
    await pin(cidOf(answer))
    yield `${goJson(answer)}\n`
  }
}

async function * withFirst (first: string | undefined, rest: AsyncIterable<string>): AsyncGenerator<string> {
  if (first != null) yield first
  yield * rest
}

/** `{"Key":"…"}` of block/put, `{"Cid":{"/":"…"}}` of dag/put. */
function cidOf (answer: unknown): CID {
  const { Key: key, Cid: link } = answer as { Key?: unknown, Cid?: { '/'?: unknown } }
  const text = key ?? link?.['/']
  if (typeof text !== 'string') {
    throw new ClusterError('IPFS_ERROR', {}, { message: `the IPFS node gave no CID: ${JSON.stringify(answer)}` })
  }
  return parseCid(text)
}
