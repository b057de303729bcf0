import { pageHeaders } from '../../../http/answer/html.ts'
import type { HeaderList } from '../../../http/answer/reply.ts'
import type { UnixFsNode } from '../../../ipfs/dag-reader.ts'
import { closeBody, notModified, redirection } from '../answer/answers.ts'
import { peekStream } from '../../common/peek-stream.ts'
import { hasAlready } from '../../common/conditional.ts'
import { etagOf, pageCacheHeaders } from '../answer/caching.ts'
import { entryKinds } from './entry-kinds.ts'
import { textBatches } from './text-batches.ts'
import { listingPage } from '../pages/listing-page.ts'
import { serveFile } from './serve-file.ts'
import type { Answer, ServeDeps, Target, GatewayContext } from '../request-context.ts'

/**
 * A directory: its index.html, else a listing. Without a slash at the end the browser is sent to where relative links work. `checkIndex`
 * throws or rejects when that path is denied.
 */
export async function serveDirectory (
  context: GatewayContext, target: Target,
  { node, reader, checkIndex }: ServeDeps & { node: UnixFsNode, checkIndex: () => Promise<void> | undefined }
): Promise<Answer> {
  const { urlPath, query, get } = context
  if (!context.path.isFolder) return redirection(301, `${encodedUrlPath(urlPath)}/${query.raw === '' ? '' : `?${query.raw}`}`)
  const index = await reader.findEntry(node, 'index.html', get)
  if (index != null) {
    await checkIndex()
    const page = await reader.readNode(index, get)
    // a folder of that name is an entry like others
    if (page.kind !== 'directory' && page.kind !== 'shard') {
      return serveFile(context, { node: page, name: 'index.html', etag: etagOf.content(node.cid) }, { reader })
    }
  }
  const etag = etagOf.listing(node.cid)
  if (hasAlready(context.headers, [etag])) return notModified(etag)
  const entries = await peekStream(reader.listEntries(node, get, { prefetch: context.prefetch }), 1, () => 1)
  const headers: HeaderList = [['Etag', etag], ...pageCacheHeaders(target.freshness), ...pageHeaders]
  if (context.isHead) {
    await closeBody(entries)
    return { status: 200, headers }
  }
  return {
    status: 200,
    headers,
    body: textBatches(listingPage({
      path: context.path,
      site: context.site,
      cid: node.cid,
      entries,
      kindOf: entryKinds({ reader, peek: context.peek })
    }))
  }
}

/**
 * A path as it came through the request line, fit for a header: raw UTF-8 is escaped, and two slashes at its beginning would name another
 * host. Browsers take a backslash for a slash.
 */
export const encodedUrlPath = (urlPath: string): string =>
  urlPath.replace(/^\/{2,}/, '/').replace(/[\\\x80-\xff]/g, byte => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
