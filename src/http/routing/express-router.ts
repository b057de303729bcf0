import type { Request, Response } from 'express'
import express from 'express'
import type { RequestContext } from '../request-context.ts'
import { pathExpression } from './route.ts'
import type { Method, RoutePattern } from './route.ts'
import type { RouterInit, RouterTargets } from './router.ts'

const verbs = {
  GET: 'get', HEAD: 'head', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete', OPTIONS: 'options'
} as const satisfies Record<Method, string>

/**
 * Routes in an Express router, in their order. The returned function finds the route of a request by a decoded path; exactly one of the
 * targets is called, in the same tick. Paths are matched as Go's are: decoded, case-sensitive, and with their slash at the end.
 */
export function expressRouter<Found extends RoutePattern> (
  { routes, headIsGet = false }: Pick<RouterInit<Found>, 'routes' | 'headIsGet'>, { matched, unmatched, failed }: RouterTargets<Found>
): (context: RequestContext, path: string) => void {
  const router = express.Router({ caseSensitive: true, strict: true })
  const underWay = new WeakMap<object, Asked>()
  for (const route of routes) {
    router[verbs[route.method]](pathExpression(route.path, { named: true }), (request: Request, _response: Response, next: () => void) => {
      const asked = underWay.get(request)
      // Express takes GET for HEAD
      if (asked == null || (request.method !== route.method && !headIsGet)) next()
      else matched(restored(request, asked), { route, params: request.params as Record<string, string> })
    })
  }
  router.use((request: Request) => {
    const asked = underWay.get(request)
    if (asked != null) unmatched(restored(request, asked), asked.path)
  })

  return (context, path) => {
    const { request, response } = context
    const asked: Asked = { context, path, url: request.url }
    underWay.set(request, asked)
    Object.assign(request, { originalUrl: (request as Partial<Request>).originalUrl ?? request.url, url: routable(path) })
    router(request as Request, response as Response, (err: unknown) => failed(restored(request, asked), err))
  }
}

/** What is being routed, and the target as it came. */
interface Asked { context: RequestContext, path: string, url: string | undefined }

/** Handlers see the request's own target. */
function restored (request: RequestContext['request'], { context, url }: Asked): RequestContext {
  Object.assign(request, { url })
  return context
}

/**
 * A decoded path as the target that Express reads the same path out of. It decodes parameters as UTF-8, and leaves alone what isn't
 * escaped: the halves of surrogates that stand for other bytes (`byte-text.ts`) pass.
 */
const routable = (path: string): string => path.replace(/[%?#\s]/g, one => encodeURIComponent(one))
