import type { ByteRange, UnixFsNode } from '../../ipfs/dag-reader.ts'
import { etagOf, hasAlready } from './caching.ts'
import { notModified } from './answers.ts'
import { sniffBytes, sniffedType, typeOfName } from './content-type.ts'
import { disposition } from './disposition.ts'
import { bytesAnswer, partialAnswer } from './partial.ts'
import type { Answer, ServeDeps, Visit } from './visit.ts'

export interface FileInit {
  node: UnixFsNode
  /** Its name, where the path has one: for the type. */
  name: string
  /** Of the file, or of the directory whose index it is. */
  etag?: string
  status?: number
}

/** A file's content, or the part that is asked for; a symlink's target as text. */
export async function serveFile (visit: Visit, { node, name, etag = etagOf.content(node.cid) }: FileInit, { reader }: ServeDeps): Promise<Answer> {
  if (hasAlready(visit.headers, [etag])) return notModified(etag)
  const common: Array<[string, string]> = [['Etag', etag]]
  const given = visit.query.get('filename')
  if (given !== '' || visit.query.get('download') === 'true') common.push(['Content-Disposition', disposition(visit.query, { name: name === '' ? node.cid.toString() : name, kind: 'inline' })])
  if (node.kind === 'symlink') return bytesAnswer(visit, node.data, [...common, ['Content-Type', 'inode/symlink']])
  const mtime = node.unixfs?.mtime
  if (mtime != null && Number(mtime.secs) > 0 && Number(mtime.secs) < 8.64e12) common.push(['Last-Modified', new Date(Number(mtime.secs) * 1000).toUTCString()])
  const size = reader.fileSize(node)
  const read = (range: ByteRange): AsyncIterable<Uint8Array> | Uint8Array => node.links.length === 0
    ? node.data.subarray(range.from, range.before)
    : reader.readFile(node, visit.get, { range, ahead: visit.ahead })
  const type = typeOfName(given === '' ? name : given) ?? sniffedType(await startOf(read({ from: 0, before: Math.min(size, sniffBytes) })))
  return partialAnswer(visit, { size, read }, [...common, ['Content-Type', type]])
}

async function startOf (content: AsyncIterable<Uint8Array> | Uint8Array): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content
  const pieces: Uint8Array[] = []
  for await (const piece of content) pieces.push(piece)
  return Buffer.concat(pieces)
}
