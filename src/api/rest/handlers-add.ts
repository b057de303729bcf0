import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { Clock } from '../../base/clock.ts'
import { isClusterError, messageOf } from '../../base/errors.ts'
import { badRequest, errorReply } from '../../http/error-dialect.ts'
import { boundaryOf, parts } from '../../http/multipart.ts'
import type { HeaderList, Reply } from '../../http/reply.ts'
import { jsonReply } from '../../http/reply.ts'
import type { Call } from '../../http/route.ts'
import type { AddedOutput, AddParams, UploadEntry } from '../../model/add.ts'
import { addedOutputJson } from '../../model/add.ts'
import { goJson } from '../../model/go-json.ts'
import { parseAddParams } from '../common/add-params.ts'
import { restDialect } from './error-dialect.ts'
import { uploadEntries, withFirst } from '../common/upload.ts'

const wholeHeaders: HeaderList = [['Cache-Control', 'no-cache'], ['Connection', 'close']]
const streamHeaders: HeaderList = [...wholeHeaders, ['X-Chunked-Output', '1']]

/**
 * `POST /add` (adder). The type of the body and the options are checked first, then whether there is anything to add: those are 400s. From
 * there on the answer is 200 and late errors go into the trailer, or it is one array or one error with stream-channels=false.
 */
export function addHandler ({ cluster, clock }: { cluster: ClusterApi, clock: Clock }): (call: Call) => Promise<Reply> {
  return async call => {
    const boundary = boundaryOf(call.body.contentType)
    const params = parseAddParams(call.query, clock.now())
    const entries = await firstEntry(call, { boundary, params })
    const outputs = cluster.add(entries, params, { signal: call.signal })
    if (params.streamChannels) return { kind: 'lines', style: 'progress', source: outputLines(outputs), headers: streamHeaders }
    return wholeReply(outputs)
  }
}

/** The entries of the upload, once it is sure that there is one. */
async function firstEntry (
  { body }: Call, { boundary, params }: { boundary: string, params: AddParams }
): Promise<AsyncIterable<UploadEntry>> {
  // a chunker takes a short read for the end of a file; a CAR that breaks off between two blocks would look complete
  const onTruncated = params.format === 'car' ? 'throw' : 'end'
  try {
    const entries = await withFirst(uploadEntries(parts(body.chunks(), boundary, { onTruncated })))
    if (entries != null) return entries
  } catch (err) {
    throw badRequest(messageOf(err), { cause: err })
  }
  throw badRequest('multipart: NextPart: EOF')
}

async function * outputLines (outputs: AsyncIterable<AddedOutput>): AsyncGenerator<string, void, undefined> {
  for await (const output of outputs) yield `${goJson(addedOutputJson(output))}\n`
}

async function wholeReply (outputs: AsyncIterable<AddedOutput>): Promise<Reply> {
  const items: string[] = []
  try {
    for await (const output of outputs) items.push(goJson(addedOutputJson(output)))
    return jsonReply(`[${items.join(',')}]`, 200, wholeHeaders)
  } catch (err) {
    // a CAR without blocks is the client's fault; everything else that comes late is a 500, as in Go
    const refusal = isClusterError(err) && err.details.empty === true ? badRequest(err.message, { cause: err }) : err
    const { status, contentType, text } = errorReply(restDialect, refusal)
    return { kind: 'text', status, contentType, body: text, headers: wholeHeaders }
  }
}
