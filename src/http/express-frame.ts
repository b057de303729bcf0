import type { Request, Response } from 'express'
import express from 'express'
import type { RequestContext } from './request-context.ts'
import { escapePath } from './path.ts'
import type { Method, RouteTable } from './route.ts'

export interface FrameTargets {
  run: (context: RequestContext) => void
  unmatched: (context: RequestContext) => void
  failed: (context: RequestContext, err: unknown) => void
}

const verbs = {
  GET: 'get', HEAD: 'head', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete', OPTIONS: 'options'
} as const satisfies Record<Method, string>

/**
 * The routes of a table as an Express application, with everything off that Go's server doesn't do (ETag, X-Powered-By, its own query
 * parser).
 */
export function expressFrame (table: RouteTable, { run, unmatched, failed }: FrameTargets): (context: RequestContext) => void {
  const app = express()
  for (const setting of ['x-powered-by', 'etag', 'query parser'] as const) app.set(setting, false)
  app.set('case sensitive routing', true)
  const contexts = new WeakMap<object, RequestContext>()
  const of = (request: Request, then: (context: RequestContext) => void): void => {
    const context = contexts.get(request)
    if (context != null) then(context)
  }
  for (const route of table.routes) app[verbs[route.method]](table.regexpOf(route), (request: Request) => of(request, run))
  app.use((request: Request) => of(request, unmatched))
  // Express knows error handlers by their four parameters
  app.use((err: unknown, request: Request, _response: Response, _next: unknown) => of(request, context => failed(context, err)))

  return context => {
    const { request, response } = context
    const original = request.url
    contexts.set(request, context)
    // routes match the decoded path, as Go's do; Express decodes what it matched, for itself and as UTF-8 only
    if (original?.includes('%') === true || original?.startsWith('/') === false) {
      request.url = `${escapePath(context.path.toWellFormed())}${context.query.raw === '' ? '' : `?${context.query.raw}`}`
    }
    app(request, response)
    if (original != null) request.url = original
  }
}
