import type { Request, Response } from 'express'
import express from 'express'
import type { Exchange } from './exchange.ts'
import { escapePath } from './path.ts'
import type { Method, RouteTable } from './route.ts'

export interface FrameTargets {
  run: (exchange: Exchange) => void
  unmatched: (exchange: Exchange) => void
  failed: (exchange: Exchange, err: unknown) => void
}

const verbs = {
  GET: 'get', HEAD: 'head', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete', OPTIONS: 'options'
} as const satisfies Record<Method, string>

/**
 * The routes of a table as an Express application, with everything off that Go's server doesn't do (ETag, X-Powered-By, its own query
 * parser).
 */
export function expressFrame (table: RouteTable, { run, unmatched, failed }: FrameTargets): (exchange: Exchange) => void {
  const app = express()
  for (const setting of ['x-powered-by', 'etag', 'query parser'] as const) app.set(setting, false)
  app.set('case sensitive routing', true)
  const exchanges = new WeakMap<object, Exchange>()
  const of = (request: Request, then: (exchange: Exchange) => void): void => {
    const exchange = exchanges.get(request)
    if (exchange != null) then(exchange)
  }
  for (const route of table.routes) app[verbs[route.method]](table.regexpOf(route), (request: Request) => of(request, run))
  app.use((request: Request) => of(request, unmatched))
  // Express knows error handlers by their four parameters
  app.use((err: unknown, request: Request, _response: Response, _next: unknown) => of(request, exchange => failed(exchange, err)))

  return exchange => {
    const { request, response } = exchange
    const original = request.url
    exchanges.set(request, exchange)
    // routes match the decoded path, as Go's do; Express decodes what it matched, for itself and as UTF-8 only
    if (original?.includes('%') === true || original?.startsWith('/') === false) {
      request.url = `${escapePath(exchange.path.toWellFormed())}${exchange.query.raw === '' ? '' : `?${exchange.query.raw}`}`
    }
    app(request, response)
    if (original != null) request.url = original
  }
}
