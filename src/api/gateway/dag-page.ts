import { CID } from 'multiformats/cid'
import { encodedPath } from './content-path.ts'
import type { ContentPath } from './content-path.ts'
import { escapeHtml } from './html.ts'
import type { Site } from './visit.ts'

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
  const shown = value === undefined ? '<p>This block can not be read as what its codec says.</p>' : `<h2>Preview</h2>\n${tree(value, { left: maxValues, base }, 0)}`
  return `<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title></head>\n<body>\n` +
    `<h1>${title}</h1>\n<dl><dt>CID</dt><dd><code>${cid.toString()}</code></dd><dt>Codec</dt><dd>${codec} (0x${cid.code.toString(16)})</dd></dl>\n` +
    `<p>The block as it is:</p>\n<ul>${formats}</ul>\n${shown}\n</body>\n</html>\n`
}

function tree (value: unknown, room: { left: number, base: string }, depth: number): string {
  if (room.left-- <= 0) return '…'
  const link = CID.asCID(value)
  if (link != null) return `<a class="ipld-link" href="${room.base}/ipfs/${link.toString()}">${link.toString()}</a>`
  if (value instanceof Uint8Array) return `<code>${Buffer.from(value.subarray(0, maxText / 2)).toString('hex')}${value.length > maxText / 2 ? '…' : ''}</code>`
  if (typeof value !== 'object' || value == null) return `<code>${escapeHtml((typeof value === 'bigint' ? String(value) : JSON.stringify(value) ?? String(value)).slice(0, maxText))}</code>`
  if (depth >= maxDepth) return '…'
  const rows: string[] = []
  for (const [key, inner] of Object.entries(value)) {
    if (room.left <= 0) {
      rows.push('<dd>…</dd>')
      break
    }
    rows.push(`<dt>${escapeHtml(key.slice(0, maxText))}</dt><dd>${tree(inner, room, depth + 1)}</dd>`)
  }
  return `<dl>${rows.join('')}</dl>`
}
