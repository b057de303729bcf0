import type { DirectoryEntry } from '../../ipfs/dag-reader.ts'
import type { CID } from '../../model/cid.ts'
import type { ContentPath } from './content-path.ts'
import { encodeName } from './content-path.ts'
import { escapeHtml } from './html.ts'
import type { Site } from './visit.ts'

export interface ListingInit {
  path: ContentPath
  site: Site
  cid: CID
  entries: AsyncIterable<DirectoryEntry>
}

/** A directory as a page, in pieces: the first rows go out while the rest is still being read. */
export async function * listingPage ({ path, site, cid, entries }: ListingInit): AsyncGenerator<string> {
  const here = pageUrl(path, site)
  const title = `Index of ${escapeHtml(`/${path.namespace}/${[path.root, ...path.names].join('/')}`)}`
  yield `<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title></head>\n<body>\n` +
    `<h1>Index of ${breadcrumbs(path, site)}</h1>\n<p><code>${cid.toString()}</code></p>\n<table>\n${path.names.length === 0 ? '' : `<tr><td><a href="${here}/..">..</a></td><td></td><td></td></tr>\n`}`
  for await (const entry of entries) yield row(entry, { here, site })
  yield '</table>\n</body>\n</html>\n'
}

function row ({ name, cid, sizeBytes }: DirectoryEntry, { here, site }: { here: string, site: Site }): string {
  const text = cid.toString()
  const link = site.kind === 'dnslink'
    ? `<a class="ipfs-hash" translate="no" href="https://cid.ipfs.tech/#${text}" target="_blank" rel="noreferrer noopener">`
    : `<a class="ipfs-hash" translate="no" href="${site.kind === 'path' ? '' : `//${escapeHtml(site.host)}`}/ipfs/${text}?filename=${encodeURIComponent(encodeName(name))}">`
  return `<tr><td><a href="${here}/${escapeHtml(encodeName(name))}">${escapeHtml(name)}</a></td><td>${link}${shortCid(text)}</a></td><td title="${sizeBytes} bytes">${humanSize(sizeBytes)}</td></tr>\n`
}

/** `/ipfs/CID/a/b` with a link on each part. */
function breadcrumbs (path: ContentPath, site: Site): string {
  const { namespace, root, names } = path
  const host = site.kind === 'path' ? '' : `//${escapeHtml(site.host)}`
  const base = site.kind === 'dnslink' ? host : `${host}/${namespace}/${escapeHtml(encodeName(root))}`
  const first = `<a href="${base}${site.kind === 'dnslink' ? '/' : ''}">${escapeHtml(root)}</a>`
  const rest = names.map((name, at) => `<a href="${base}/${escapeHtml(names.slice(0, at + 1).map(encodeName).join('/'))}">${escapeHtml(name)}</a>`)
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
export function humanSize (bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}
