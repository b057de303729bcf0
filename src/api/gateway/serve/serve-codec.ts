import { isClusterError } from '../../../base/errors.ts'
import { pageHeaders } from '../../../http/answer/html.ts'
import { decodeBlock } from '../../common/dag/codecs.ts'
import { notModified, redirection } from '../answer/answers.ts'
import { hasAlready } from '../../common/conditional.ts'
import { etagOf, pageCacheHeaders } from '../answer/caching.ts'
import { dagPage } from '../pages/dag-page.ts'
import { disposition } from '../answer/disposition.ts'
import type { Format } from '../location/formats.ts'
import { typeOfFormat } from '../location/formats.ts'
import { bytesAnswer } from '../answer/partial.ts'
import { notAcceptable, Refusal } from '../answer/refusal.ts'
import { encodedUrlPath } from './serve-directory.ts'
import type { Answer, Target, GatewayContext } from '../request-context.ts'

type CodecFormat = 'json' | 'cbor' | 'dag-json' | 'dag-cbor'

const codecOf: Readonly<Record<number, CodecFormat>> = { 0x0200: 'json', 0x51: 'cbor', 0x0129: 'dag-json', 0x71: 'dag-cbor' }

/** Formats that a block of a codec may be called: dag-json is json, too. */
const asked: Readonly<Record<CodecFormat, readonly number[]>> = {
  json: [0x0200, 0x0129], cbor: [0x51, 0x71], 'dag-json': [0x0129], 'dag-cbor': [0x71]
}

/** True for blocks that are served as the document they are. */
export const isDocument = (code: number): boolean => codecOf[code] != null

/** A dag-json, dag-cbor, json or cbor block as it is, when it is what was asked for; a page about it for browsers. */
export async function serveCodec (context: GatewayContext, target: Target): Promise<Answer> {
  const { cid, rest } = target
  if (rest.length > 0) {
    const inside = JSON.stringify(rest.join('/'))
    throw new Refusal(501, `${inside} is inside of ${cid.toString()}: only links can be followed, ask for the block itself`)
  }
  const format = formatFor(context.asked.format, cid.code)
  if (isPage(context, format)) return servePage(context, target, format)
  const etag = etagOf.format(cid, format)
  if (hasAlready(context.headers, [etag])) return notModified(etag)
  const bytes = await context.get(cid)
  checkBytes(cid.code, bytes)
  const [extension, kind] = format.endsWith('json') ? ['json', 'inline'] as const : ['cbor', 'attachment'] as const
  return bytesAnswer(context, bytes, [
    ['Etag', etag],
    ['Content-Type', typeOfFormat[format]],
    ['Content-Disposition', disposition(context.query, { name: `${cid.toString()}.${extension}`, kind })],
    ['X-Content-Type-Options', 'nosniff']
  ])
}

function formatFor (format: Format | undefined, code: number): CodecFormat {
  const own = codecOf[code]
  if (format == null) {
    if (own == null) throw new Refusal(500, 'the block is no document')
    return own
  }
  const wanted = format as CodecFormat
  if (!asked[wanted].includes(code)) {
    throw notAcceptable(`format ${JSON.stringify(format)} requested but block has codec 0x${code.toString(16)}: ` +
      'codec conversion is not supported, fetch the raw block with ?format=raw and convert it')
  }
  return wanted
}

function isPage ({ asked, headers, query }: GatewayContext, format: CodecFormat): boolean {
  const isForBrowser = headers.accept?.includes('text/html') === true && query.get('download') !== 'true'
  return asked.format == null && format.startsWith('dag-') && isForBrowser
}

async function servePage (context: GatewayContext, { cid, freshness }: Target, format: CodecFormat): Promise<Answer> {
  const { urlPath, query } = context
  if (!urlPath.endsWith('/')) return redirection(301, `${encodedUrlPath(urlPath)}/${query.raw === '' ? '' : `?${query.raw}`}`)
  const etag = etagOf.dagPage(cid)
  if (hasAlready(context.headers, [etag])) return notModified(etag)
  const bytes = await context.get(cid)
  return {
    status: 200,
    headers: [['Etag', etag], ...pageCacheHeaders(freshness), ...pageHeaders],
    body: dagPage({ cid, codec: format, site: context.site, path: context.path, value: readable(cid.code, bytes) })
  }
}

function readable (code: number, bytes: Uint8Array): unknown {
  try {
    return decodeBlock(code, bytes)
  } catch {
    return undefined
  }
}

/** A block that isn't what its codec says: the content is broken. */
function checkBytes (code: number, bytes: Uint8Array): void {
  // plain CBOR may hold what dag-cbor forbids
  if (code === 0x51) return
  try {
    if (code === 0x0200) JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(bytes))
    else decodeBlock(code, bytes)
  } catch (err) {
    if (isClusterError(err) || err instanceof SyntaxError || err instanceof TypeError) {
      throw new Refusal(500, `the block is not valid ${codecOf[code]}: ${err.message}`, [], { cause: err })
    }
    throw err
  }
}
