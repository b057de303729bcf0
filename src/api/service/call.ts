import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { z } from 'zod'
import { ClusterError, invalidArgument, messageOf } from '../../base/errors.ts'
import { refuseNestedJson } from '../../base/nesting.ts'
import type { RequestBody } from '../../http/request/body.ts'
import type { RequestContext } from '../../http/request-context.ts'
import type { Query } from '../../http/request/query.ts'
import type { Caller } from '../../service/accounts/accounts.ts'
import { invalidTextReason } from './invalid-text.ts'
import type { ServiceCall, ServiceRoute } from './service-route.ts'

const bodyLimitBytes = 2 ** 20
const maxNesting = 64

export interface CallInit {
  context: RequestContext, params: Readonly<Record<string, string>>, caller: Caller | null, address: string, baseUrl: string
  query: unknown, body: unknown
}

/** A request as a handler gets it: credentials, limits, query and body have been checked by then (`readInput`). */
export class CheckedCall implements ServiceCall {
  readonly #init: CallInit

  constructor (init: CallInit) { this.#init = init }

  get method (): string { return this.#init.context.method }
  get path (): string { return this.#init.context.path }
  get params (): Readonly<Record<string, string>> { return this.#init.params }
  get query (): unknown { return this.#init.query }
  get body (): unknown { return this.#init.body }
  get raw (): RequestBody { return this.#init.context.body }
  get headers (): IncomingHttpHeaders { return this.#init.context.headers }
  get maybeCaller (): Caller | null { return this.#init.caller }
  get address (): string { return this.#init.address }
  get baseUrl (): string { return this.#init.baseUrl }
  get signal (): AbortSignal { return this.#init.context.signal }
  get request (): IncomingMessage { return this.#init.context.request }
  get response (): ServerResponse { return this.#init.context.response }

  get caller (): Caller {
    if (this.#init.caller == null) throw new ClusterError('UNAUTHENTICATED')
    return this.#init.caller
  }
}

/** What the route's schemas make of query and body. Throws INVALID_ARGUMENT with what is wrong, TOO_LARGE. */
export async function readInput (
  route: ServiceRoute, { context, params }: Pick<CallInit, 'context' | 'params'>
): Promise<{ query: unknown, body: unknown }> {
  refuseInvalidTexts(params)
  if (route.query != null && context.query.hasDropped) {
    throw invalidArgument('the query has a broken escape, or a semicolon that is not escaped')
  }
  const query = route.query == null ? undefined : checked(route.query, refuseInvalidTexts(queryObject(context.query)), 'query')
  const body = route.body == null ? undefined : checked(route.body, await readJson(context.body), 'body')
  return { query, body }
}

/** Texts by name; a name that comes more than once has a list. */
function queryObject (query: Query): Record<string, string | string[]> {
  const found: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>
  for (const [name, first] of query.entries()) {
    const all = query.all(name)
    found[name] = all.length > 1 ? [...all] : first
  }
  return found
}

async function readJson (body: RequestBody): Promise<unknown> {
  const bytes = await body.bytes(bodyLimitBytes)
  if (bytes.length === 0) throw invalidArgument('a JSON body is missing')
  if (!isUtf8(bytes)) throw invalidArgument('the body is not UTF-8')
  return refuseInvalidTexts(parsed(bytes))
}

function parsed (bytes: Buffer): unknown {
  try {
    refuseNestedJson(bytes, maxNesting)
    return JSON.parse(bytes.toString('utf8'))
  } catch (err) {
    throw new ClusterError('INVALID_ARGUMENT', {}, { message: `the body is not valid JSON: ${messageOf(err)}`, cause: err })
  }
}

function checked (schema: z.ZodType, given: unknown, where: 'query' | 'body'): unknown {
  const result = schema.safeParse(given)
  if (result.success) return result.data
  const issues = result.error.issues.slice(0, 5).map(({ path, message }) => `${path.length === 0 ? where : path.join('.')}: ${message}`)
  throw invalidArgument(issues.join('; '))
}

function refuseInvalidTexts<Value> (value: Value): Value {
  const reason = invalidTextReason(value)
  if (reason != null) throw invalidArgument(reason)
  return value
}
