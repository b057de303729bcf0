import { percentDecode, textOfBytes } from '../../base/text/byte-text.ts'
import { percentEncode } from '../../base/text/percent-encode.ts'

/** What the request line asks for: the decoded path that routes match on, and the raw query. */
export interface Target {
  /** Percent-decoded; '*' for `OPTIONS *`. Bytes that aren't UTF-8 stand as in `byte-text.ts`. */
  path: string
  /** Raw, without the question mark. */
  query: string
}

/** Splits a request target (origin or absolute form). Null when a percent escape is broken: Go refuses the whole request then. */
export function parseTarget (url: string): Target | null {
  const target = url.charCodeAt(0) === 47 ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '')
  const mark = target.indexOf('?')
  const path = percentDecode(textOfLatin1(mark < 0 ? target : target.slice(0, mark)))
  if (path == null) return null
  return { path: path === '' ? '/' : path, query: mark < 0 ? '' : textOfLatin1(target.slice(mark + 1)) }
}

/** Node reads request lines byte by byte as latin1: the text that these bytes are. */
export function textOfLatin1 (text: string): string {
  return /[\x80-\xff]/.test(text) ? textOfBytes(Buffer.from(text, 'latin1')) : text
}

/** Encodes a decoded path for a Location header, as Go's url.URL does. */
export function escapePath (path: string): string {
  return percentEncode(path, encodeURI).replace(/[!'()*?#[\]]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
}

const unclean = /\/\/|\/\.\.?(?:\/|$)/

/** The path without empty, `.` and `..` segments (Go's path.Clean); a slash at the end stays. */
export function cleanPath (path: string): string {
  if (path.startsWith('/') && !unclean.test(path)) return path
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment === '..') kept.pop()
    else kept.push(segment)
  }
  return `/${kept.join('/')}${path.endsWith('/') && kept.length > 0 ? '/' : ''}`
}

/**
 * Where a client has to go instead, as Go's router decides; null when the path is fine. First a slash at the end goes (307), then what is
 * unclean (301). A location never starts with two slashes, or it would name another host.
 */
export function redirectOf ({ path, query }: Target): { status: 301 | 307, location: string } | null {
  const suffix = query === '' ? '' : `?${query}`
  if (path.length > 1 && path.endsWith('/')) {
    return { status: 307, location: `${escapePath(path.slice(0, -1).replace(/^\/+/, '/')) || '/'}${suffix}` }
  }
  const clean = path.startsWith('/') ? cleanPath(path) : path
  return clean === path ? null : { status: 301, location: `${escapePath(clean)}${suffix}` }
}
