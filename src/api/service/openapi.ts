import { z } from 'zod'
import { openApiPath } from '../../http/routing/openapi.ts'
import { jsonReply } from '../../http/answer/reply.ts'
import type { ServiceResponseDoc, ServiceRoute } from './service-route.ts'
import { serviceRoute } from './service-route.ts'

type Json = Record<string, unknown>

export interface ServiceDocumentInit {
  title: string
  version: string
  about: string
  /** Whose errors have the envelope of the Pinning Service API. */
  isPinning: boolean
}

const envelope = z.object({ status: z.int(), error: z.string(), message: z.string() })
const pinningFailure = z.object({ error: z.object({ reason: z.string(), details: z.string().optional() }) })

/** An OpenAPI 3.1 document of some routes, out of the schemas that check what comes in. */
export function serviceDocument ({ title, version, about, isPinning }: ServiceDocumentInit, routes: readonly ServiceRoute[]): Json {
  const schemas = new Schemas()
  const paths: Record<string, Json> = {}
  for (const route of routes) (paths[openApiPath(route.path)] ??= {})[route.method.toLowerCase()] = operation(route, schemas)
  schemas.add('Error', isPinning ? pinningFailure : envelope)
  return {
    openapi: '3.1.0',
    info: { title, version, description: about },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ doc }) => doc.tag))].map(name => ({ name })),
    paths,
    components: {
      schemas: schemas.named,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key.' },
        key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        session: {
          type: 'apiKey', in: 'cookie', name: '__Host-session',
          description: 'Set by users/login. Writes are for pages of this service only.'
        }
      }
    }
  }
}

/** Serves the document, which is made when it is first asked for. */
function documentRoute (path: string, init: ServiceDocumentInit, routes: () => readonly ServiceRoute[]): ServiceRoute {
  let text: string | undefined
  return serviceRoute({
    method: 'GET',
    path,
    access: 'open',
    doc: {
      tag: 'Documents', summary: 'This document: OpenAPI 3.1.',
      responses: [{ status: 200, about: 'The document.', schema: z.looseObject({}) }]
    },
    handler: () => {
      text ??= JSON.stringify(serviceDocument(init, routes()))
      return jsonReply(text)
    }
  })
}

function operation (route: ServiceRoute, schemas: Schemas): Json {
  const { doc, access, body, upload } = route
  const parameters = [...pathParameters(route), ...queryParameters(route, schemas), ...headerParameters(route, schemas)]
  return {
    operationId: operationId(route),
    tags: [doc.tag],
    summary: doc.summary,
    ...(typeof access === 'object' ? { description: `For sessions, and keys with the permission \`${access.permission}\`.` } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body == null ? {} : { requestBody: { required: true, content: { 'application/json': { schema: schemas.of(body, 'input') } } } }),
    ...(upload == null ? {} : {
      requestBody: { required: upload === form, content: { [upload]: { schema: upload === form ? oneFile : binary } } }
    }),
    responses: responsesOf(route, schemas),
    security: access === 'open' ? [] : [{ bearer: [] }, { key: [] }, { session: [] }]
  }
}

const form = 'multipart/form-data'
const binary: Json = { type: 'string', format: 'binary' }
/** Options may be fields of the form, too; they are told as parameters of the query. */
const oneFile: Json = {
  type: 'object', properties: { file: { ...binary, description: 'The file; of a directory, one part for each.' } }, required: ['file']
}

function operationId ({ method, path }: ServiceRoute): string {
  const words = path.replace(/^\/api(\/v1)?/, '').replaceAll(/\{(\w+)[^}]*\}/g, 'by/$1').split(/\W+|_/).filter(word => word !== '')
  return method.toLowerCase() + words.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

const pathParameters = ({ path, doc }: ServiceRoute): Json[] =>
  [...path.matchAll(/\{(\w+)/g)].map(([, name = '']) => ({
    name, in: 'path', required: true, schema: { type: 'string' }, ...(doc.params?.[name] == null ? {} : { description: doc.params[name] })
  }))

function queryParameters ({ query }: ServiceRoute, schemas: Schemas): Json[] {
  if (query == null) return []
  const { properties = {}, required = [] } = schemas.inline(query, 'input') as { properties?: Record<string, Json>, required?: string[] }
  return Object.entries(properties).map(
    ([name, { description, ...schema }]) => ({
      name, in: 'query', required: required.includes(name), schema, ...(description == null ? {} : { description })
    })
  )
}

function headerParameters ({ doc: { headers = {} } }: ServiceRoute, schemas: Schemas): Json[] {
  return Object.entries(headers).map(([name, { about, isRequired = false, schema }]) =>
    ({
      name, in: 'header', required: isRequired, schema: schema == null ? { type: 'string' } : schemas.of(schema, 'input'),
      description: about
    }))
}

const usual: ReadonlyArray<readonly [status: number, about: string, when: (route: ServiceRoute) => boolean]> = [
  [400, 'The request is not valid.', () => true],
  [401, 'The API key is missing or not valid.', ({ access }) => access !== 'open'],
  [403, 'The key is revoked or lacks the right, or the account is suspended.', ({ access }) => access !== 'open'],
  [404, 'There is no such thing, or it is somebody else\'s.', ({ path }) => path.includes('{')],
  [413, 'The body is too large.', ({ body }) => body != null],
  [422, 'The request is well-formed, but can not be carried out.', ({ method }) => method !== 'GET'],
  [429, 'Too many requests: `Retry-After` says when to come back.', () => true],
  [500, 'An unexpected fault.', () => true],
  [503, 'Something that is needed is away for now: `Retry-After`.', () => true],
  [504, 'Something that is needed did not answer in time.', () => true]
]

function responsesOf (route: ServiceRoute, schemas: Schemas): Json {
  const { responses, hasOwnErrors = false } = route.doc
  const failure = hasOwnErrors ? foreignFailure : usualFailure
  const own = responses.map(one => [String(one.status), responseOf(one, { schemas, failure })] as const)
  const known = new Set(own.map(([status]) => status))
  const others = usual.filter(([status, , when]) => !known.has(String(status)) && when(route)).map(
    ([status, description]) => [String(status), failure(description)] as const
  )
  return Object.fromEntries([...own, ...others].toSorted(([a], [b]) => a.localeCompare(b)))
}

type FailureDoc = (description: string) => Json

const usualFailure: FailureDoc = description => ({
  description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } }
})
const foreignFailure: FailureDoc = description => ({ description, content: { '*/*': {} } })

function responseOf (
  { status, about, schema, contentType }: ServiceResponseDoc, { schemas, failure }: { schemas: Schemas, failure: FailureDoc }
): Json {
  if (status >= 400) return failure(about)
  if (contentType != null) return { description: about, content: { [contentType]: {} } }
  return { description: about, ...(schema == null ? {} : { content: { 'application/json': { schema: schemas.of(schema, 'output') } } }) }
}

/** Schemas of one document. Those that have an id (`.meta({ id })`) stand once, among its components. */
class Schemas {
  readonly named: Record<string, Json> = {}

  add (name: string, schema: z.ZodType): void { this.named[name] = this.of(schema, 'output') }

  of (schema: z.ZodType, io: 'input' | 'output'): Json {
    const { $schema: _same, $defs: parts = {}, id, ...json } = this.#json(schema, io)
    for (const [name, { id: _known, ...part }] of Object.entries(parts as Record<string, Json>)) this.named[name] ??= part
    if (typeof id !== 'string') return json
    this.named[id] ??= json
    return { $ref: `#/components/schemas/${id}` }
  }

  /** Where a reference can't stand: the parameters of a query are its properties. */
  inline (schema: z.ZodType, io: 'input' | 'output'): Json {
    const json = this.of(schema, io)
    const name = /^#\/components\/schemas\/(.+)$/.exec(String(json.$ref))?.[1]
    return name == null ? json : this.named[name] ?? {}
  }

  #json (schema: z.ZodType, io: 'input' | 'output'): Json {
    const text = JSON.stringify(z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' }))
    return JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')) as Json
  }
}

const isPinning = ({ path }: ServiceRoute): boolean => path.startsWith('/api/pinning')

/** The OpenAPI documents of the service: one for each of its APIs. `routes`: the whole table, asked for when a document is. */
export function documentRoutes ({ version }: { version: string }, routes: () => readonly ServiceRoute[]): ServiceRoute[] {
  return [
    documentRoute('/api/v1/openapi.json', {
      title: 'Helia Cluster service',
      version,
      about: 'Accounts, API keys, files and tasks of a pinning service. Errors are `{"status":404,"error":"Not Found","message":"…"}`.',
      isPinning: false
    }, () => routes().filter(route => !isPinning(route))),
    documentRoute('/api/pinning/openapi.json', {
      title: 'Helia Cluster service: IPFS Pinning Service API',
      version,
      about: 'The IPFS Pinning Service API 1.0.0, for `ipfs pin remote` and other clients. Each key sees the pins of its own account.',
      isPinning: true
    }, () => routes().filter(isPinning))
  ]
}
