import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { z } from 'zod'
import type { RequestBody } from '../../http/request/body.ts'
import type { Reply } from '../../http/answer/reply.ts'
import type { Method } from '../../http/routing/route.ts'
import type { Caller, Permission } from '../../service/accounts/accounts.ts'

/**
 * Who may use a route. `open`: everybody, with or without credentials. A permission: sessions, and keys that have it.
 * `session-or-full-key`: sessions, and keys with all permissions. `admin`: the same, of an admin. Without credentials the answer is 401,
 * without the right 403.
 */
export type ServiceAccess = 'open' | 'session-or-full-key' | 'admin' | { permission: Permission }

/** Limits per address that are tighter than the general ones; the numbers are in the configuration. */
export type TightLimit = 'sign-up' | 'login' | 'code'

/** One answer of a route, for the OpenAPI document. What every route may answer (400, 401, 403, 429, 500, 503, 504) is added. */
export interface ServiceResponseDoc {
  status: number
  about: string
  /** Of the whole JSON body, envelope included. */
  schema?: z.ZodType
  /** Of an answer that isn't JSON. */
  contentType?: string
}

/** What the OpenAPI document says of a route, besides its schemas. */
export interface ServiceRouteDoc {
  /** The heading in the document: Users, Files, Tasks, Pins, … */
  tag: string
  summary: string
  /** What the segments in braces are, by name. */
  params?: Readonly<Record<string, string>>
  /** Headers that mean something to this route, by name. */
  headers?: Readonly<Record<string, ServiceHeaderDoc>>
  responses: readonly ServiceResponseDoc[]
  /** Errors are answered in another form than everywhere else: as whoever answers has them. */
  hasOwnErrors?: boolean
}

/** A request header as the document has it. Default schema: a text. */
export interface ServiceHeaderDoc { about: string, isRequired?: boolean, schema?: z.ZodType }

/** A request as a handler of the service sees it: checked, and from somebody known. */
export interface ServiceCall<Body = unknown, Query = unknown> {
  /** HEAD comes to the handler of GET. */
  readonly method: string
  /** Percent-decoded, as `params`. */
  readonly path: string
  readonly params: Readonly<Record<string, string>>
  /** What the route's schema made of it; undefined without one. */
  readonly query: Query
  readonly body: Body
  /** The body as it comes, for routes without a schema. To be read at most once. */
  readonly raw: RequestBody
  readonly headers: IncomingHttpHeaders
  /** Who asks. On open routes use `maybeCaller`: this throws there when nobody has said who they are. */
  readonly caller: Caller
  readonly maybeCaller: Caller | null
  /** Where the request came from: behind a trusted proxy, what that says. */
  readonly address: string
  /**
   * What links begin with: `public_url`, else what the client (or a trusted proxy) says. Without a slash at the end:
   * "https://pins.example".
   */
  readonly baseUrl: string
  /** Aborts when the client goes away before its answer is complete. */
  readonly signal: AbortSignal
  /** For who answers by itself; the handler then returns null. */
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/**
 * One route of the service. `path` as in `Route` of the toolkit: `{cid}` is one segment, `{path:.*}` the rest. A body schema means JSON of
 * at most 1 MiB, checked before the handler runs; `query` gets an object of texts, where a repeated name is a list of texts.
 */
export interface ServiceRoute<Body = any, Query = any> { // any: each route has types of its own
  method: Method
  path: string
  access: ServiceAccess
  limit?: TightLimit
  /** Found before all others and without Express. */
  fast?: boolean
  body?: z.ZodType<Body>
  query?: z.ZodType<Query>
  /** For bodies that are read as a stream: their media type, for the document. */
  upload?: string
  doc: ServiceRouteDoc
  /** Null: the handler answers by itself. What it throws is answered in the API's dialect. */
  handler (call: ServiceCall<Body, Query>): Reply | null | Promise<Reply | null>
}

/** A route as it is given; only its handler's `query` and `body` get the types of the schemas. */
export const serviceRoute = <Body, Query> (route: ServiceRoute<Body, Query>): ServiceRoute => route

/** Gives one part's routes; each part declares what it needs beside its own. */
type RoutePart = readonly ServiceRoute[]

/** All routes of the service in one table: what is served, documented and tested with two users. The first that fits wins. */
export const joinRoutes = (parts: readonly RoutePart[]): ServiceRoute[] => parts.flat()
