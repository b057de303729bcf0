import type { IncomingHttpHeaders } from 'node:http'
import type { Principal } from '../request/auth.ts'
import type { RequestBody } from '../request/body.ts'
import type { Query } from '../request/query.ts'
import type { Reply } from '../answer/reply.ts'

/** The methods that routes are declared for. */
export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

/** A request as a handler sees it. */
export interface Call {
  readonly method: string
  /** Percent-decoded. */
  readonly path: string
  /** What the pattern's braces matched, percent-decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly headers: IncomingHttpHeaders
  /** Who asks; null when the API asks for no credentials. */
  readonly principal: Principal | null
  readonly body: RequestBody
  /** Aborts when the client goes away before its answer is complete. */
  readonly signal: AbortSignal
}

/** A parameter of a route, for the documents that are made from the table. */
export interface ParameterDoc { name: string, in: 'path' | 'query', type: 'string' | 'integer' | 'boolean', about: string }

/** A parameter of the query. */
export const queryDoc = (name: string, type: ParameterDoc['type'], about: string): ParameterDoc => ({ name, in: 'query', type, about })

/** One answer of a route. `stream`: JSON lines. */
export interface ResponseDoc { status: number, about: string, schema?: string, stream?: boolean }

/** What the OpenAPI document says of a route. `summary` is one sentence. */
export interface RouteDoc {
  summary: string
  parameters?: readonly ParameterDoc[]
  requestBody?: { contentType: string, about: string }
  responses: readonly ResponseDoc[]
}

/** Answers a request. What it throws is answered in the API's dialect. */
export type Handler = (call: Call) => Reply | Promise<Reply>

/**
 * One route. `path` has segments in braces: `{cid}` is one segment, `{kind:ipfs|ipns}` one of several, `{path:.*}` the rest. `access`:
 * whether credentials are needed when the API has any. `fast`: what a busy peer is asked most, found before all others and without Express.
 */
export interface Route {
  method: Method
  path: string
  access: 'open' | 'user'
  fast?: boolean
  doc: RouteDoc
  handler: Handler
}

/** What a route is found by. */
export type RoutePattern = Pick<Route, 'method' | 'path'>

/** A route and what stood in the place of its parameters. */
export interface RouteMatch<Found extends RoutePattern = Route> { route: Found, params: Readonly<Record<string, string>> }

interface Pattern<Found extends RoutePattern> { route: Found, regexp: RegExp, names: string[] }

const noParams: Readonly<Record<string, string>> = Object.freeze({})

/** The routes of one API; the first that fits wins. Paths are matched decoded and case-sensitively. */
export class RouteTable<Found extends RoutePattern = Route> {
  readonly routes: readonly Found[]
  readonly #fixed = new Map<string, RouteMatch<Found>>()
  readonly #patterns = new Map<string, Array<Pattern<Found>>>()
  readonly #all: Array<Pattern<Found>>

  constructor (routes: readonly Found[]) {
    this.routes = routes
    this.#all = routes.map(compile)
    for (const pattern of this.#all) this.#file(pattern)
  }

  match (method: string, path: string): RouteMatch<Found> | null {
    const fixed = this.#fixed.get(`${method} ${path}`)
    if (fixed != null) return fixed
    for (const { route, regexp, names } of this.#patterns.get(method) ?? []) {
      const found = regexp.exec(path)
      if (found != null) return { route, params: Object.fromEntries(names.map((name, at) => [name, found[at + 1] ?? ''])) }
    }
    return null
  }

  /** The methods that this path knows, sorted; empty for an unknown path. */
  methodsOf (path: string): string[] {
    return [...new Set(this.#all.filter(pattern => pattern.regexp.test(path)).map(pattern => pattern.route.method))].toSorted()
  }

  /** True when any route has this method. */
  hasMethod (method: string): boolean { return this.#all.some(({ route }) => route.method === method) }

  #file (pattern: Pattern<Found>): void {
    const { method, path } = pattern.route
    const known = this.#patterns.get(method) ?? []
    if (pattern.names.length > 0) this.#patterns.set(method, [...known, pattern])
    else if (known.some(({ regexp }) => regexp.test(path))) throw new Error(`the route ${method} ${path} is hidden by an earlier one`)
    else this.#fixed.set(`${method} ${path}`, { route: pattern.route, params: noParams })
  }
}

function compile<Found extends RoutePattern> (route: Found): Pattern<Found> {
  const names = Array.from(route.path.matchAll(parameter), ([, name]) => name).filter(name => name != null)
  return { route, regexp: pathExpression(route.path), names }
}

const parameter = /[.+]|\{(\w+)(?::([^}]*))?\}/g

/** The expression for a route's path. `named`: its groups have the parameters' names. */
export function pathExpression (path: string, { named = false }: { named?: boolean } = {}): RegExp {
  const source = path.replace(parameter, (all, name?: string, alternatives = '[^/]+') =>
    name == null ? `\\${all}` : `(${named ? `?<${name}>` : ''}${alternatives})`)
  return new RegExp(`^${source}$`, 's')
}
