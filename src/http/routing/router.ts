import type { RequestContext } from '../request-context.ts'
import { RouteTable } from './route.ts'
import type { RouteMatch, RoutePattern } from './route.ts'

export interface RouterInit<Found extends RoutePattern> {
  routes: readonly Found[]
  /** Whether GET routes answer HEAD. Default: false. */
  headIsGet?: boolean
}

/** Exactly one of them is called for each request. What they throw is theirs to handle. */
export interface RouterTargets<Found extends RoutePattern> {
  /** A route fits. */
  matched (context: RequestContext, match: RouteMatch<Found>): void
  /** `path`: the one that was looked for. */
  unmatched (context: RequestContext, path: string): void
  /** The router itself has failed. */
  failed (context: RequestContext, err: unknown): void
}

type ExpressRouter = (context: RequestContext, path: string) => void

/**
 * Finds the route of a request: the few fast ones in a table, in the same tick; all others by Express's router, which is loaded with the
 * first request that needs it. Each route is in one of both (docs/design/http.md).
 */
export class Router<Found extends RoutePattern & { fast?: boolean }> {
  readonly #init: RouterInit<Found>
  readonly #targets: RouterTargets<Found>
  readonly #fast: RouteTable<Found>
  readonly #all: RouteTable<Found>
  #express: ExpressRouter | undefined
  #loading: Promise<ExpressRouter> | undefined

  /** Throws when a fast route would take requests from an earlier one. */
  constructor (init: RouterInit<Found>, targets: RouterTargets<Found>) {
    this.#init = init
    this.#targets = targets
    this.#all = new RouteTable(init.routes)
    this.#fast = new RouteTable(init.routes.filter(isFast))
    for (const [at, route] of init.routes.entries()) {
      if (isFast(route)) refuseHiding(route, init.routes.slice(0, at).filter(earlier => !isFast(earlier)))
    }
  }

  /** `path`: decoded; default: the request's own. */
  route (context: RequestContext, path = context.path): void {
    const { method } = context
    const match = this.#fast.match(method, path) ??
      (this.#init.headIsGet === true && method === 'HEAD' ? this.#fast.match('GET', path) : null)
    if (match != null) this.#targets.matched(context, match)
    else if (this.#express != null) this.#express(context, path)
    else {
      this.#loading ??= this.#load()
      this.#loading.then(express => express(context, path)).catch(err => this.#targets.failed(context, err))
    }
  }

  /** The methods that this path knows, sorted; empty for an unknown path. */
  methodsOf (path: string): string[] { return this.#all.methodsOf(path) }

  /** True when any route has this method. */
  hasMethod (method: string): boolean { return this.#all.hasMethod(method) }

  async #load (): Promise<ExpressRouter> {
    const { expressRouter } = await import('./express-router.ts')
    const routes = this.#init.routes.filter(route => !isFast(route))
    return this.#express = expressRouter({ ...this.#init, routes }, this.#targets)
  }
}

const isFast = ({ fast }: { fast?: boolean }): boolean => fast === true

/** The other way round, a fast path behind a slow pattern, is hidden in any case: the table refuses that. */
function refuseHiding (fast: RoutePattern, earlier: readonly RoutePattern[]): void {
  const table = new RouteTable([fast])
  const hidden = earlier.find(({ method, path }) => !path.includes('{') && table.match(method, path) != null)
  if (hidden != null) throw new Error(`the fast route ${fast.method} ${fast.path} would be found before ${hidden.path}`)
}
