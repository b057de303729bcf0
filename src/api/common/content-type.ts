import { extname } from 'node:path'

const byExtension: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.htm': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.log': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.xml': 'text/xml; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.ico': 'image/x-icon',
  '.pdf': 'application/pdf',
  '.wasm': 'application/wasm',
  '.bin': 'application/octet-stream',
  '.webmanifest': 'application/manifest+json',
  '.zip': 'application/zip',
  '.gz': 'application/gzip',
  '.tar': 'application/x-tar',
  '.car': 'application/vnd.ipld.car',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.wav': 'audio/wav',
  '.flac': 'audio/flac',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.mov': 'video/quicktime',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.otf': 'font/otf'
}

const byFirstBytes: ReadonlyArray<[firstBytes: string, type: string]> = [
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['GIF8', 'image/gif'],
  ['%PDF-', 'application/pdf'],
  ['PK\x03\x04', 'application/zip'],
  ['\x1f\x8b', 'application/gzip'],
  ['\x00asm', 'application/wasm'],
  ['OggS', 'application/ogg'],
  ['ID3', 'audio/mpeg'],
  ['\x1aE\xdf\xa3', 'video/webm'],
  ['wOFF', 'font/woff'],
  ['wOF2', 'font/woff2']
]

/** How many bytes `sniffedType` looks at. */
export const sniffBytes = 512

/** The media type of a file name's extension, such as "image/png"; undefined for names that tell nothing. */
export const typeOfName = (name: string): string | undefined => byExtension[extname(name).toLowerCase()]

/** The type of content without a telling name, from its first bytes. */
export function sniffedType (start: Uint8Array): string {
  const text = Buffer.from(start.subarray(0, sniffBytes)).toString('latin1')
  const known = byFirstBytes.find(([bytes]) => text.startsWith(bytes))?.[1]
  if (known != null) return known
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'image/webp'
  if (text.slice(4, 8) === 'ftyp') return 'video/mp4'
  if (/^\s*<(!doctype html|html|head|body|script|title|h1|div|p|a|br)[\s>/]/i.test(text)) return 'text/html; charset=utf-8'
  if (/^\s*<\?xml/.test(text)) return 'text/xml; charset=utf-8'
  if (/^\s*[{[]/.test(text) && isJson(text)) return 'application/json'
  // eslint-disable-next-line no-control-regex
  return /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? 'application/octet-stream' : 'text/plain; charset=utf-8'
}

/** What is cut off may be anything; what is there has to look like JSON. */
function isJson (text: string): boolean {
  if (text.length === sniffBytes) return /^\s*(\{\s*("[^"]*"\s*:|\})|\[\s*([\]{["\d-]|true|false|null))/.test(text)
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
