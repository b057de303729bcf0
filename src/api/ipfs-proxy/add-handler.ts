import { answerText } from '../../base/errors.ts'
import type { Clock } from '../../base/clock.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import { HttpError } from '../../http/error-dialect.ts'
import type { RequestContext } from '../../http/request-context.ts'
import { boundaryOf, parts } from '../../http/request/multipart.ts'
import { Query } from '../../http/request/query.ts'
import type { Reply } from '../../http/answer/reply.ts'
import type { AddedOutput, AddParams, UploadEntry } from '../../model/add.ts'
import { goJson } from '../../model/go-json.ts'
import { addAnswer } from '../common/add-answer.ts'
import { parseAddParams } from '../common/add-params.ts'
import { uploadEntries, withFirst } from '../common/upload.ts'
import { metadataRule } from './add-metadata.ts'
import type { MetadataRule } from './add-metadata.ts'
import { proxyDialect } from './error-dialect.ts'

export interface AddHandlerDeps { cluster: ClusterApi, clock: Clock }

/**
 * `add`: content goes to the cluster (api/ipfsproxy), by Kubo's names for options (`trickle`, `pin`) and the cluster's own. Every wrong
 * option is 500, as in Go; `only-hash` is refused and, unlike in Go, adds nothing.
 */
export function addHandler ({ cluster, clock }: AddHandlerDeps): (context: RequestContext) => Promise<Reply> {
  return async context => {
    const boundary = prefixed('error reading request: ', () => boundaryOf(context.body.contentType))
    const { query } = context
    for (const option of unsupported) {
      if (!['', 'false', '0'].includes(query.get(option))) throw new HttpError(500, `${option} is not supported when adding to cluster`)
    }
    const parsed = prefixed('error parsing options:', () => parseAddParams(clusterQuery(query), clock.now()))
    const rule = metadataRule(query)
    // raw leaves have no room for metadata: asked for in so many words they are refused, else they give way
    if (rule != null && parsed.rawLeaves && query.get('raw-leaves') !== '') {
      throw new HttpError(500, "raw-leaves can't be used with UnixFS metadata like mode or modification time")
    }
    const params = rule == null
      ? parsed
      : { ...parsed, rawLeaves: false, ...rule.ofDirectories == null ? {} : { directoryMetadata: rule.ofDirectories } }
    const entries = await firstEntry(context, { boundary, params, rule })
    const outputs = cluster.add(entries, params, { signal: context.signal })
    return addAnswer(outputs, { isStream: params.streamChannels, print: outputJson, dialect: proxyDialect })
  }
}

/**
 * Kubo's options that would give other CIDs, or that ask for more than an add. Go's proxy refuses the first and doesn't do the others,
 * without a word.
 */
const unsupported = ['only-hash', 'inline', 'max-file-links', 'max-directory-links', 'max-hamt-fanout', 'to-files']

/** Kubo's names become the cluster's; as in Kubo, CIDs of version 0 give way to a hash that they can't have. */
function clusterQuery (query: Query): Query {
  const isOtherHash = query.get('hash') !== '' && query.get('hash') !== 'sha2-256' && query.get('cid-version') === ''
  const more = [
    query.get('trickle') === 'true' ? 'layout=trickle' : '', query.get('pin') === 'false' ? 'no-pin=true' : '',
    isOtherHash ? 'cid-version=1' : ''
  ].filter(text => text !== '')
  return more.length === 0 ? query : new Query([...more, query.raw].join('&'))
}

function prefixed<T> (prefix: string, act: () => T): T {
  try {
    return act()
  } catch (err) {
    throw new HttpError(500, `${prefix}${answerText(err)}`, { cause: err })
  }
}

interface EntriesInit { boundary: string, params: AddParams, rule: MetadataRule | null }

async function firstEntry ({ body }: RequestContext, { boundary, params, rule }: EntriesInit): Promise<AsyncIterable<UploadEntry>> {
  const onTruncated = params.format === 'car' ? 'throw' : 'end'
  const entries = await withFirst(uploadEntries(parts(body.chunks(), boundary, { onTruncated }), rule?.ofPart))
  if (entries == null) throw new HttpError(500, 'error reading request: multipart: NextPart: EOF')
  return entries
}

/** Kubo's line: capital names, the size as a text, no allocations. */
function outputJson ({ name, cid, bytes, size }: AddedOutput): string {
  return goJson({
    Name: name, ...(cid == null ? {} : { Hash: cid.toString() }), ...(bytes === 0 ? {} : { Bytes: bytes }),
    ...(size === 0 ? {} : { Size: String(size) })
  })
}
