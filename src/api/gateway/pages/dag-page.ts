import { CID } from 'multiformats/cid'
import { copyButton, escapeHtml, pageEnd, pageStart, shownHtml, visibleHtml } from '../../../http/answer/html.ts'
import { encodedPath } from '../location/content-path.ts'
import { Float } from '../../../model/float.ts'
import type { ContentPath } from '../location/content-path.ts'
import type { Site } from '../request-context.ts'

export interface DagPageInit {
  cid: CID
  codec: string
  site: Site
  path: ContentPath
  /** The decoded block; undefined when it can't be read. */
  value: unknown
}

/** Values shown, and how deep: the page is a look, not a copy. */
const maxValues = 1000
const maxDepth = 12
const maxText = 4096

/** A page about a dag-cbor or dag-json block, with links to its formats and to what it links to. */
export function dagPage ({ cid, codec, site, path, value }: DagPageInit): string {
  const title = escapeHtml(encodedPath({ ...path, isFolder: false }))
  const formats = ['raw', codec, 'car'].map(format => `<li><a href="?format=${format}" rel="nofollow">${format}</a></li>`).join('')
  const base = site.kind === 'path' ? '' : `//${escapeHtml(site.host)}`
  const shown = value === undefined
    ? '<p>This block can not be read as what its codec says.</p>'
    : `<h2>Preview</h2>\n${tree(value, { left: maxValues, base }, 0)}`
  return pageStart(title) +
    `<h1>${title}</h1>\n<dl><dt>CID</dt><dd><code translate="no">${cid.toString()}</code> ${copyButton}</dd>` +
    `<dt>Codec</dt><dd>${codec} (0x${cid.code.toString(16)})</dd></dl>\n` +
    `<p>Download the block:</p>\n<ul class="ways">${formats}</ul>\n${shown}\n${pageEnd}`
}

function tree (value: unknown, room: { left: number, base: string }, depth: number): string {
  if (room.left-- <= 0) return '…'
  if (value instanceof Float) return tree(value.valueOf(), room, depth)
  const link = CID.asCID(value)
  if (link != null) return `<a class="ipld-link" href="${room.base}/ipfs/${link.toString()}">${link.toString()}</a>`
  if (value instanceof Uint8Array) return `<code>${hexOf(value)}</code>`
  if (typeof value !== 'object' || value == null) return `<code>${visibleHtml(plainText(value).slice(0, maxText))}</code>`
  if (depth >= maxDepth) return '…'
  const rows: string[] = []
  for (const [key, inner] of Object.entries(value)) {
    if (room.left <= 0) {
      rows.push('<dd>…</dd>')
      break
    }
    rows.push(`<dt>${shownHtml(key)}</dt><dd>${tree(inner, room, depth + 1)}</dd>`)
  }
  return `<dl>${rows.join('')}</dl>`
}

const hexOf = (bytes: Uint8Array): string =>
  `${Buffer.from(bytes.subarray(0, maxText / 2)).toString('hex')}${bytes.length > maxText / 2 ? '…' : ''}`

const plainText = (value: unknown): string => typeof value === 'bigint' ? String(value) : JSON.stringify(value) ?? String(value)
