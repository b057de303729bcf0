import type { ByteRange, UnixFsNode } from '../../../ipfs/dag-reader.ts'
import { hasAlready } from '../../common/conditional.ts'
import { etagOf } from '../answer/caching.ts'
import { closeBody, notModified } from '../answer/answers.ts'
import { prepended } from '../../common/peek-stream.ts'
import { sniffBytes, sniffedType, typeOfName } from '../../common/content-type.ts'
import { disposition } from '../answer/disposition.ts'
import { bytesAnswer, partialAnswer } from '../answer/partial.ts'
import type { Answer, ServeDeps, GatewayContext } from '../request-context.ts'

export interface FileInit {
  node: UnixFsNode
  /** Its name, where the path has one: for the type. */
  name: string
  /** Of the file, or of the directory whose index it is. */
  etag?: string
  status?: number
}

/** A file's content, or the part that is asked for; a symlink's target as text. */
export async function serveFile (
  context: GatewayContext, { node, name, etag = etagOf.content(node.cid) }: FileInit, { reader }: ServeDeps
): Promise<Answer> {
  if (hasAlready(context.headers, [etag])) return notModified(etag)
  const common: Array<[string, string]> = [['Etag', etag]]
  const given = context.query.get('filename')
  if (given !== '' || context.query.get('download') === 'true') {
    common.push(['Content-Disposition', disposition(context.query, { name: name === '' ? node.cid.toString() : name, kind: 'inline' })])
  }
  if (node.kind === 'symlink') return bytesAnswer(context, node.data, [...common, ['Content-Type', 'inode/symlink']])
  const mtime = node.unixfs?.mtime
  const seconds = Number(mtime?.secs ?? 0)
  if (seconds > 0 && seconds < 8.64e12) common.push(['Last-Modified', new Date(seconds * 1000).toUTCString()])
  const size = reader.fileSize(node)
  const typed = typeOfName(given === '' ? name : given)
  if (node.links.length === 0) {
    const type = typed ?? sniffedType(node.data.subarray(0, sniffBytes))
    return bytesAnswer(context, node.data, [...common, ['Content-Type', type]])
  }
  const read = (range: ByteRange): AsyncIterable<Uint8Array> =>
    reader.readFile(node, context.get, { range, ahead: context.ahead, prefetch: context.prefetch, joined: context.joined })
  if (typed != null) return partialAnswer(context, { size, read }, [...common, ['Content-Type', typed]])
  const held = Math.min(size, usualLeaf)
  await context.room(held)
  const before = context.headers.range == null && !context.isHead ? size : Math.min(size, sniffBytes)
  const start = await opened(read({ from: 0, before }))
  const answer = partialAnswer(context, { size, read }, [...common, ['Content-Type', sniffedType(start.first)]])
  // the whole file goes on from where its type was looked for
  if (answer.status === 200 && context.headers.range == null && !context.isHead) return { ...answer, body: start.all, held }
  await closeBody(start.all)
  context.ahead.give(held)
  return answer
}

const usualLeaf = 256 * 1024

/** A source with its first piece read. */
async function opened (source: AsyncIterable<Uint8Array>): Promise<{ first: Uint8Array, all: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]()
  const { done, value } = await iterator.next()
  const first = done === true ? new Uint8Array(0) : value
  return { first, all: prepended([first], done === true ? undefined : iterator) }
}
