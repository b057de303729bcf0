import { textOfBytes } from '../../../base/text/byte-text.ts'
import { ClusterError } from '../../../base/errors.ts'
import { segmentsOf } from '../../../base/text/path-segments.ts'
import { encodeName } from './content-path.ts'

/** One line of a `_redirects` file. */
export interface RedirectRule { from: readonly string[], to: string, status: number }

/** More than this isn't read. */
export const maxRedirectsBytes = 64 * 1024
const maxRules = 10_000
const rewrite = 200
const redirects = new Set([301, 302, 303, 307, 308])
const errors = new Set([404, 410, 451])

/** True for a status that shows another page in place. */
export const isErrorStatus = (status: number): boolean => errors.has(status)
/** Whether a line of `_redirects` with this status sends the client elsewhere. */
export const isRedirectStatus = (status: number): boolean => redirects.has(status)

/** Reads a `_redirects` file. Throws INVALID_DATA with the line for what the specification doesn't allow. */
export function parseRedirects (bytes: Uint8Array): RedirectRule[] {
  if (bytes.length > maxRedirectsBytes) throw bad(`redirects file size cannot exceed ${maxRedirectsBytes} bytes`)
  const rules: RedirectRule[] = []
  for (const [at, line] of textOfBytes(bytes).split(/\r?\n/).entries()) {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) continue
    if (rules.length === maxRules) throw bad(`more than ${maxRules} rules`)
    rules.push(parseRule(text, at + 1))
  }
  return rules
}

function parseRule (text: string, line: number): RedirectRule {
  const [from = '', to, word, ...more] = withoutComment(text).split(/\s+/)
  if (to == null) throw bad(`line ${line}: missing 'to' path`)
  if (more.length > 0) throw bad(`line ${line}: must match format 'from to [status]'`)
  if (!from.startsWith('/')) throw bad(`line ${line}: 'from' path must begin with '/'`)
  if (!to.startsWith('/') && !/^[a-z][a-z0-9+.-]*:\/\/\S/i.test(to)) throw bad(`line ${line}: 'to' path must begin with '/' or be a URL`)
  const splat = from.indexOf('*')
  const isLastSegment = splat === from.length - 1 && from[splat - 1] === '/'
  if (splat >= 0 && !isLastSegment) throw bad(`line ${line}: '*' must be the last segment of 'from'`)
  return { from: segmentsOf(from), to, status: statusOf(word, line) }
}

/** What stands before ` #`. */
function withoutComment (text: string): string {
  const at = text.search(/\s#/)
  return at < 0 ? text : text.slice(0, at).trimEnd()
}

function statusOf (word: string | undefined, line: number): number {
  if (word == null) return 301
  const status = /^\d{3}$/.test(word) ? Number(word) : 0
  const isKnown = status === rewrite || redirects.has(status) || errors.has(status)
  if (!isKnown) throw bad(`line ${line}: status ${JSON.stringify(word)} is not supported`)
  return status
}

/**
 * The first rule that fits a path (decoded, with a slash at its beginning), with its placeholders filled in: as they are for another page
 * of the site, percent-encoded for a redirect, which a visitor's name must not lead elsewhere.
 */
export function matchRedirect (rules: readonly RedirectRule[], path: string): { to: string, status: number } | undefined {
  const segments = segmentsOf(path)
  for (const { from, to, status } of rules) {
    const found = match(from, segments)
    if (found != null) return { to: fill(to, found, isRedirectStatus(status) ? encodedNames : same), status }
  }
  return undefined
}

function match (from: readonly string[], segments: readonly string[]): Map<string, string> | undefined {
  const found = new Map<string, string>()
  for (const [at, pattern] of from.entries()) {
    if (pattern === '*') {
      found.set('splat', segments.slice(at).join('/'))
      return found
    }
    const segment = segments[at]
    if (segment == null) return undefined
    if (pattern.startsWith(':')) found.set(pattern.slice(1), segment)
    else if (pattern !== segment) return undefined
  }
  return from.length === segments.length ? found : undefined
}

function fill (to: string, found: ReadonlyMap<string, string>, written: (value: string) => string): string {
  return to.replace(/:([A-Za-z]\w*)/g, (all, name: string) => {
    const value = found.get(name)
    return value == null ? all : written(value)
  })
}

const encodedNames = (value: string): string => value.split('/').map(encodeName).join('/')
const same = (value: string): string => value

const bad = (why: string): ClusterError => new ClusterError('INVALID_DATA', {}, { message: `could not parse _redirects: ${why}` })
