import { z } from 'zod'

/** What a service says of its own routes: read from its OpenAPI documents, which are made from the table that is served. */
export interface Operation {
  method: string
  path: string
  params: string[]
  query: Array<{ name: string, schema: Schema }>
  body: Schema | null
  upload: string | null
  isOpen: boolean
  /** By status: the schema of its JSON; null where there is other content, or none. */
  responses: Map<number, Schema | null>
}

/** JSON schema, as far as the documents use it. */
export type Schema = Record<string, any> // any: keywords of all kinds

const methods = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options']

export async function operationsOf (api: string): Promise<Operation[]> {
  // any: two documents
  const documents = await Promise.all(
    ['/api/v1/openapi.json', '/api/pinning/openapi.json'].map(async path => (await fetch(`${api}${path}`)).json())
  ) as any[]
  return documents.flatMap(
    ({ paths, components: { schemas } }) => Object.entries<any>(resolved(paths, schemas)).flatMap(
      ([path, item]) => methods.filter(method => item[method] != null).map(method => operationOf(method, path, item[method]))
    )
  )
}

/** The same with what it refers to in its place. Throws for a reference to nothing. */
function resolved (part: any, schemas: Record<string, any>): any { // any: a part of a document
  if (Array.isArray(part)) return part.map(one => resolved(one, schemas))
  if (typeof part !== 'object' || part == null) return part
  if (typeof part.$ref === 'string') {
    const schema = schemas[part.$ref.replace('#/components/schemas/', '')]
    if (schema == null) throw new Error(`${part.$ref} refers to nothing`)
    return resolved(schema, schemas)
  }
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, resolved(value, schemas)]))
}

// any: an operation of a document
function operationOf (method: string, path: string, { parameters = [], requestBody, responses, security = [] }: any): Operation {
  const contents = Object.entries<any>(requestBody?.content ?? {})
  return {
    method: method.toUpperCase(),
    path,
    params: parameters.filter((one: any) => one.in === 'path').map((one: any) => one.name),
    query: parameters.filter((one: any) => one.in === 'query'),
    body: contents.find(([type]) => type === 'application/json')?.[1].schema ?? null,
    upload: contents.find(([type]) => type !== 'application/json')?.[0] ?? null,
    isOpen: security.length === 0,
    responses: new Map(
      Object.entries<any>(responses).map(([status, { content }]) => [Number(status), content?.['application/json']?.schema ?? null])
    )
  }
}

/** What of an answer the document doesn't say; undefined: it is as documented. */
export function undocumented (
  { responses }: Operation, { status, contentType, text }: { status: number, contentType: string, text: string }
): string | undefined {
  const schema = responses.get(status)
  if (schema === undefined) return `the document has no ${status}`
  if (schema == null) return undefined
  if (!contentType.startsWith('application/json')) return `is ${contentType || 'without a type'}, not JSON`
  const { error } = validatorOf(schema).safeParse(JSON.parse(text))
  return error == null
    ? undefined
    : `is not as its schema has it: ${error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ')}`
}

const validators = new WeakMap<Schema, z.ZodType>()

function validatorOf (schema: Schema): z.ZodType {
  const known = validators.get(schema) ?? z.fromJSONSchema(schema)
  validators.set(schema, known)
  return known
}

/** A value that fits; `given` answers for properties by their name. */
export function sampleOf (schema: Schema, given: (name: string) => unknown = () => undefined, name = ''): unknown {
  const own = given(name)
  if (own !== undefined) return schema.type === 'array' && !Array.isArray(own) ? [own] : own
  if (schema.const !== undefined) return schema.const
  if (schema.enum != null) return schema.enum[0]
  const choice = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (choice != null) return sampleOf(choice[0], given, name)
  if (schema.type === 'object') {
    const wanted = Object.keys(schema.properties ?? {}).filter(key => schema.required?.includes(key) === true || given(key) !== undefined)
    return Object.fromEntries(wanted.map(key => [key, sampleOf(schema.properties[key], given, key)]))
  }
  if (schema.type === 'array') return (schema.minItems ?? 0) > 0 ? [sampleOf(schema.items ?? {}, given, name)] : []
  if (schema.type === 'integer' || schema.type === 'number') return Math.max(schema.minimum ?? 1, 1)
  if (schema.type === 'boolean') return true
  if (schema.format === 'date-time') return '2099-01-01T00:00:00Z'
  if (schema.format === 'email' || schema.examples?.[0] === 'user@example.com') return 'sample@example.com'
  if (schema.format === 'uri') return 'https://pins.invalid/api'
  return schema.pattern === '^\\d{6}$' ? '123456' : 'x'.repeat(Math.max(8, schema.minLength ?? 0))
}

/** The body; '' of a stream of events, which has no end. */
export async function textOf (response: Response): Promise<string> {
  if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) return response.text()
  await response.body?.cancel()
  return ''
}
