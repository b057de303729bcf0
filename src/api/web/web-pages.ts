import type { Clock } from '../../base/clock.ts'
import { bestPattern, segmentsOf } from '../../base/text/path-segments.ts'
import type { RequestContext } from '../../http/request-context.ts'
import { escapeHtml } from '../../http/answer/html.ts'
import type { HeaderList } from '../../http/answer/reply.ts'
import { sendText } from '../../http/answer/send.ts'
import { hasAlready } from '../common/conditional.ts'
import { pageHeaders } from './policy.ts'
import type { WebAsset, WebFiles, WebPage } from './web-files.ts'
import { etagOf } from './web-files.ts'

/** What the pages are told of the peer that serves them, in a meta element of their document. */
export interface WebSite {
  kind: 'service' | 'cluster'
  /** What links to content begin with, without a slash at the end; '': `/api/gateway` here. */
  gateway: string
  [name: string]: string | boolean
}

export interface WebPagesDeps {
  files: WebFiles
  /** For one request: links may depend on the name that the peer was reached by. */
  site: (context: RequestContext) => WebSite
  clock: Clock
}

/** Answers the addresses of pages with their document, and their files. */
export interface WebPages {
  /**
   * False when the address is neither: nothing was answered. Only GET and HEAD are. A browser that was led to no page is shown one that
   * says so.
   */
  answer (context: RequestContext): boolean
}

const metaElement = '<meta name="helia-cluster" content="">'

/** The pages and their assets out of memory; one page for each path that the application knows. */
export function webPages ({ files, site, clock }: WebPagesDeps): WebPages {
  const icon = [...files.assets].find(([name]) => /^assets\/icon-.*\.svg$/.test(name))?.[1]
  return {
    answer: context => {
      if (context.method !== 'GET' && context.method !== 'HEAD') return false
      if (context.path.startsWith('/assets/')) {
        return sendAsset(context, files.assets.get(context.path.slice(1)), { caching: forEver, clock })
      }
      if (context.path === '/favicon.ico') return sendAsset(context, icon, { caching: 'public, max-age=86400', clock })
      const own = site(context)
      // both sites have a first page
      const page = bestPattern(files.pages.filter(({ sites }) => sites.includes(own.kind)), segmentsOf(context.path))
        ?? (context.path === '/' ? { path: '/', sites: [own.kind], files: [] } : null)
      if (page == null && !isVisit(context)) return false
      sendIndex(context, { files, page, own, clock })
      return true
    }
  }
}

/**
 * Somebody typed an address, or followed a link: programs, and what pages load, don't ask for HTML. Below the others' own paths there are
 * answers of theirs.
 */
const isVisit = ({ path, headers }: RequestContext): boolean =>
  /\btext\/html\b/.test(String(headers.accept ?? '')) && !/^\/(api|ipfs|ipns)(\/|$)/.test(path)

/**
 * The document is asked for each time: it names the files of the version that runs. Page null: there is none of this address, and the
 * document says so.
 */
function sendIndex (
  context: RequestContext, { files, page, own, clock }: { files: WebFiles, page: WebPage | null, own: WebSite, clock: Clock }
): void {
  const body = documentOf(files.index, { own, files: page?.files ?? [] })
  const etag = etagOf(body)
  const headers: HeaderList = [...pageHeaders(originOf(own.gateway)), ['Cache-Control', 'no-cache'], ['Etag', etag]]
  if (page == null)
    sendText(
      context, { kind: 'text', status: 404, contentType: 'text/html; charset=utf-8', body, headers: [...headers, ['Vary', 'Accept']] },
      clock
    )
  else if (hasAlready(context.headers, [etag]))
    sendText(context, { kind: 'text', status: 304, contentType: null, body: '', headers }, clock)
  else sendText(context, { kind: 'text', status: 200, contentType: 'text/html; charset=utf-8', body, headers }, clock)
}

function documentOf (index: string, { own, files }: { own: WebSite, files: readonly string[] }): string {
  // the page's code is on its way before the entry has asked for it
  const ahead = files.map(
    file => file.endsWith('.css') ? `<link rel="stylesheet" href="/${file}">` : `<link rel="modulepreload" href="/${file}">`
  ).join('\n')
  return index
    .replace(metaElement, () => `<meta name="helia-cluster" content="${escapeHtml(JSON.stringify(own))}">`)
    .replace('</head>', () => `${ahead}\n</head>`)
}

const originOf = (url: string): string => URL.canParse(url) ? new URL(url).origin : ''

/** Names change with the content: what was fetched once is good. */
const forEver = 'public, max-age=31536000, immutable'

/** False: there is none. */
function sendAsset (context: RequestContext, asset: WebAsset | undefined, { caching, clock }: { caching: string, clock: Clock }): boolean {
  if (asset == null) return false
  const accepted = String(context.headers['accept-encoding'] ?? '')
  const coding = accepts(accepted, 'br') && asset.coded.has('br')
    ? 'br'
    : accepts(accepted, 'gzip') && asset.coded.has('gzip')
    ? 'gzip'
    : null
  const body = coding == null ? asset.plain : asset.coded.get(coding) ?? asset.plain
  const headers: HeaderList = [
    ['X-Content-Type-Options', 'nosniff'],
    ['Cache-Control', caching],
    ['Cross-Origin-Resource-Policy', 'same-origin'],
    ['Vary', 'Accept-Encoding'],
    ...(coding == null ? [] : [['Content-Encoding', coding] as const])
  ]
  sendText(context, { kind: 'text', status: 200, contentType: asset.contentType, body, headers }, clock)
  return true
}

/** "gzip, br;q=0" takes no br. */
const accepts = (header: string, coding: string): boolean =>
  header.split(',').some(part => {
    const [name = '', ...options] = part.trim().toLowerCase().split(';').map(text => text.trim())
    return name === coding && !options.some(option => /^q=0(\.0*)?$/.test(option))
  })
