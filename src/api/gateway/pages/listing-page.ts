import { copyButton, escapeHtml, pageEnd, pageStart, shownHtml, shownText } from '../../../http/answer/html.ts'
import type { DirectoryEntry } from '../../../ipfs/dag-reader.ts'
import type { CID } from '../../../model/cid.ts'
import type { ContentPath } from '../location/content-path.ts'
import { encodeName, isReachable } from '../location/content-path.ts'
import type { Site } from '../request-context.ts'

/** What an entry is, as far as it is known without fetching it. */
export type EntryKind = 'folder' | 'file' | 'link' | 'data' | undefined

export interface ListingInit {
  path: ContentPath
  site: Site
  cid: CID
  entries: AsyncIterable<DirectoryEntry>
  kindOf: (entry: DirectoryEntry) => Promise<EntryKind> | EntryKind
}

/** A directory as a page, in pieces: the first rows go out while the rest is still being read. */
export async function * listingPage ({ path, site, cid, entries, kindOf }: ListingInit): AsyncGenerator<string> {
  const here = pageUrl(path, site)
  yield pageStart(`Index of ${shownText(`/${path.namespace}/${[path.root, ...path.names].join('/')}`)}`) +
    `<h1>Index of ${breadcrumbs(path, site)}</h1>\n` +
    `<p><span class="soft">CID</span> <code translate="no">${cid.toString()}</code> ${copyButton}</p>\n` +
    '<ul class="ways"><li><a href="?format=tar" rel="nofollow">Download as tar</a></li>' +
    '<li><a href="?format=car" rel="nofollow">Download as CAR</a></li></ul>\n' +
    '<table>\n<thead><tr><th>Name</th><th class="k">Kind</th><th class="c">CID</th><th class="s">Size</th></tr></thead>\n<tbody>\n' +
    (path.names.length === 0 ? '' : `<tr class="folder"><td><a href="${here}/..">..</a></td><td></td><td></td><td></td></tr>\n`)
  let count = 0
  for await (const entry of entries) {
    const kind = kindOf(entry)
    yield row(entry, kind instanceof Promise ? await kind : kind, { here, site })
    count++
  }
  yield `</tbody>\n</table>\n<footer><p>${count === 1 ? '1 entry' : `${count} entries`}</p></footer>\n${pageEnd}`
}

function row (entry: DirectoryEntry, kind: EntryKind, { here, site }: { here: string, site: Site }): string {
  const { name, cid, sizeBytes } = entry
  const text = cid.toString()
  const behind = site.kind === 'dnslink' ? '" target="_blank" rel="noreferrer noopener' : fileNameQuery(name)
  return `<tr${kind === 'folder' ? ' class="folder"' : ''}><td>${nameLink(entry, { here, site })}</td><td>${kind ?? ''}</td>` +
    `<td><a class="ipfs-hash" translate="no" href="${cidUrl(text, site)}${behind}">${shortCid(text)}</a> ${copyButton}</td>` +
    `<td title="${sizeBytes} bytes">${humanSize(sizeBytes)}</td></tr>\n`
}

/** Names that no path leads to are reached by their CID. */
function nameLink ({ name, cid }: DirectoryEntry, { here, site }: { here: string, site: Site }): string {
  const shown = name === '' ? '<i>no name</i>' : shownHtml(name)
  if (isReachable(name)) return `<a href="${here}/${escapeHtml(encodeName(name))}">${shown}</a>`
  return site.kind === 'dnslink' ? shown : `<a href="${cidUrl(cid.toString(), site)}${fileNameQuery(name)}">${shown}</a>`
}

/** A DNSLink site has no other content than its own: there a page explains the CID. */
const cidUrl = (cid: string, site: Site): string =>
  site.kind === 'dnslink' ? `https://cid.ipfs.tech/#${cid}` : `${site.kind === 'path' ? '' : `//${escapeHtml(site.host)}`}/ipfs/${cid}`

const fileNameQuery = (name: string): string =>
  name === '' || name.length > longestFileName ? '' : `?filename=${encodeURIComponent(encodeName(name))}`

const longestFileName = 1024

/** `/ipfs/CID/a/b` with a link on each part. */
function breadcrumbs (path: ContentPath, site: Site): string {
  const { namespace, root, names } = path
  const host = site.kind === 'path' ? '' : `//${escapeHtml(site.host)}`
  const base = site.kind === 'dnslink' ? host : `${host}/${namespace}/${escapeHtml(encodeName(root))}`
  const first = `<a href="${base}${site.kind === 'dnslink' ? '/' : ''}">${shownHtml(root)}</a>`
  const urlOf = (at: number): string => `${base}/${escapeHtml(names.slice(0, at + 1).map(encodeName).join('/'))}`
  const rest = names.map((name, at) => `<a href="${urlOf(at)}">${shownHtml(name)}</a>`)
  return `/${namespace}/${[first, ...rest].join('/')}`
}

/** The page's own URL on its site, without a slash at the end. */
function pageUrl ({ namespace, root, names }: ContentPath, site: Site): string {
  const parts = names.map(encodeName)
  return escapeHtml(site.kind === 'path' ? `/${[namespace, encodeName(root), ...parts].join('/')}` : ['', ...parts].join('/'))
}

const shortCid = (text: string): string => text.length <= 12 ? text : `${text.slice(0, 6)}…${text.slice(-4)}`

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']

/** 1536 → "1.5 KiB". */
function humanSize (bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}
