import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { Clock } from '../../base/clock.ts'
import { isClusterError, messageOf } from '../../base/errors.ts'
import { badRequest } from '../../http/error-dialect.ts'
import { boundaryOf, parts } from '../../http/request/multipart.ts'
import type { Reply } from '../../http/answer/reply.ts'
import type { Call } from '../../http/routing/route.ts'
import type { AddedOutput, AddParams, UploadEntry } from '../../model/add.ts'
import { addedOutputJson } from '../../model/add.ts'
import { goJson } from '../../model/go-json.ts'
import { addAnswer } from '../common/add-answer.ts'
import { parseAddParams } from '../common/add-params.ts'
import { restDialect } from './error-dialect.ts'
import { uploadEntries, withFirst } from '../common/upload.ts'

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
    return addAnswer(outputs, { isStream: params.streamChannels, print, dialect: restDialect, refusalOf })
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

const print = (output: AddedOutput): string => goJson(addedOutputJson(output))

/** A CAR without blocks is the client's fault; everything else that comes late is a 500, as in Go. */
const refusalOf = (err: unknown): unknown =>
  isClusterError(err) && err.details.empty === true ? badRequest(err.message, { cause: err }) : err
