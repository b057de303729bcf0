import type { IncomingHttpHeaders } from 'node:http'
import type { HeaderList } from './answer/reply.ts'

/** The settings of service.json (`cors_*`). Empty lists mean the library defaults of Go's rs/cors. */
export interface CorsInit {
  allowedOrigins: readonly string[]
  allowedMethods: readonly string[]
  allowedHeaders: readonly string[]
  exposedHeaders: readonly string[]
  allowCredentials: boolean
  maxAgeSeconds: number
}

/** All that CORS looks at. */
export interface CorsRequest { method: string, headers: IncomingHttpHeaders }

/** Cross-origin rules, as rs/cors 1.11 has them (api/common). */
export interface Cors {
  /** The headers of a preflight answer (204); null when this is no preflight. */
  preflight (request: CorsRequest): HeaderList | null
  /** What every other answer carries; `Vary: Origin` at least. */
  actual (request: CorsRequest): HeaderList
}

const varyPreflight = ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'] as const
const varyOrigin: HeaderList = [['Vary', 'Origin']]

/** Cross-origin rules as rs/cors has them, which Go's peers use. */
export function cors (init: CorsInit): Cors {
  const methods = new Set(
    init.allowedMethods.length > 0 ? init.allowedMethods.map(method => method.toUpperCase()) : ['GET', 'POST', 'HEAD']
  )
  const anyHeader = init.allowedHeaders.includes('*')
  const names = new Set(
    init.allowedHeaders.length > 0 ? init.allowedHeaders.map(name => name.toLowerCase()) : ['accept', 'content-type', 'x-requested-with']
  )
  const originOf = originRule(init.allowedOrigins)
  const mayUse = (method: string): boolean => method === 'OPTIONS' || methods.has(method)
  const credentials: HeaderList = init.allowCredentials ? [['Access-Control-Allow-Credentials', 'true']] : []
  const exposed: HeaderList = init.exposedHeaders.length > 0 ? [['Access-Control-Expose-Headers', init.exposedHeaders.join(', ')]] : []
  const maxAge: HeaderList = init.maxAgeSeconds === 0 ? [] : [['Access-Control-Max-Age', String(Math.max(0, init.maxAgeSeconds))]]

  const granted = (headers: IncomingHttpHeaders, asked: string): HeaderList => {
    const origin = originOf(headers.origin)
    const wanted = headers['access-control-request-headers'] ?? ''
    if (origin == null || !mayUse(asked) || !(anyHeader || allKnown(wanted, names))) return []
    const allowHeaders: HeaderList = wanted === '' ? [] : [['Access-Control-Allow-Headers', wanted]]
    return [['Access-Control-Allow-Origin', origin], ['Access-Control-Allow-Methods', asked], ...allowHeaders, ...credentials, ...maxAge]
  }

  return {
    preflight ({ method, headers }) {
      const asked = headers['access-control-request-method']
      return method === 'OPTIONS' && asked != null && asked !== '' ? [varyPreflight, ...granted(headers, asked)] : null
    },
    actual ({ method, headers }) {
      if (headers.origin == null) return varyOrigin
      const origin = originOf(headers.origin)
      if (origin == null || !mayUse(method)) return varyOrigin
      return [...varyOrigin, ['Access-Control-Allow-Origin', origin], ...exposed, ...credentials]
    }
  }
}

/** Gives the Allow-Origin value for an Origin header, or null. One `*` inside an allowed origin stands for anything. */
function originRule (allowed: readonly string[]): (origin: string | undefined) => string | null {
  const anyone = allowed.length === 0 || allowed.includes('*')
  const rules = allowed.map(rule => rule.toLowerCase().split('*', 2))
  const fits = (origin: string): boolean => rules.some(([head = '', tail]) => tail == null
    ? origin === head
    : origin.length >= head.length + tail.length && origin.startsWith(head) && origin.endsWith(tail))
  return origin => {
    if (origin == null || origin === '') return null
    if (anyone) return '*'
    return fits(origin.toLowerCase()) ? origin : null
  }
}

/** True when every name of the list is allowed. Browsers send them lower case, sorted, without blanks; little else is taken. */
function allKnown (list: string, allowed: ReadonlySet<string>): boolean {
  if (list === '') return true
  let last = ''
  for (const item of list.split(',')) {
    const name = item.replace(/^[ \t]|[ \t]$/g, '')
    if (name === '') continue
    if (!allowed.has(name) || name <= last) return false
    last = name
  }
  return true
}
