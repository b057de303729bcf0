import type { Handler, Route, RouteDoc } from './route.ts'

/** How a route is described, and what is special about it. */
export interface RouteOptions extends RouteDoc {
  /** Default: 'user'. */
  access?: Route['access']
  fast?: boolean
}

type Declare = (path: string, handler: Handler, options: RouteOptions) => void

/**
 * The routes of an API as they are declared, in their order; the first that fits wins.
 *
 * @example
 * const router = new RouteList()
 * router.get('/id', info.id, fast({ summary: 'This peer.', responses: [{ status: 200, about: 'The peer.', schema: 'Id' }] }))
 * router.delete('/pins/{cid}', pins.unpin, unpinning)
 */
export class RouteList {
  readonly routes: Route[] = []

  /** Declares a route for GET; the others likewise. */
  readonly get: Declare = this.#declaring('GET')
  readonly post: Declare = this.#declaring('POST')
  readonly put: Declare = this.#declaring('PUT')
  readonly patch: Declare = this.#declaring('PATCH')
  readonly delete: Declare = this.#declaring('DELETE')

  #declaring (method: Route['method']): Declare {
    return (path, handler, { access = 'user', fast = false, ...doc }) => {
      this.routes.push({ method, path, access, ...(fast ? { fast } : {}), handler, doc })
    }
  }
}

/** For what a busy peer is asked most: found before all others, without Express. */
export const fast = (options: RouteOptions): RouteOptions => ({ ...options, fast: true })

/** For a route that answers everybody, with or without credentials. */
export const open = (options: RouteOptions): RouteOptions => ({ ...options, access: 'open' })
