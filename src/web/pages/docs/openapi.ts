import { countText } from '../../data/format.ts'

/** OpenAPI documents as the reference shows them: whoever serves an API describes it, and nothing here knows a route. */

/** JSON Schema, as far as the documents use it. */
export interface Schema {
  $ref?: string
  type?: string | string[]
  format?: string
  enum?: unknown[]
  const?: unknown
  examples?: unknown[]
  default?: unknown
  description?: string
  pattern?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  maxItems?: number
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: Schema | boolean
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}

/** The document's named schemas. */
export type Schemas = Readonly<Record<string, Schema>>

/** A parameter that can be typed in; those of headers aren't shown. */
export interface Parameter { name: string, place: 'path' | 'query', isRequired: boolean, about: string, schema: Schema }
/** What a request sends. */
export interface Body { contentType: string, about: string, schema: Schema | null }
/** What a status means. `schema` null: no JSON. */
export interface Answer { status: string, about: string, contentType: string | null, schema: Schema | null }

/** A method of a path. */
export interface Operation {
  /** Unique in its document; names the place on the page. */
  id: string
  method: string
  path: string
  summary: string
  about: string
  /** Needs no credentials. */
  isOpen: boolean
  parameters: Parameter[]
  body: Body | null
  answers: Answer[]
}

/** Operations with the same tag. */
export interface Group { name: string, operations: Operation[] }
/** What the page shows of an OpenAPI document. */
export interface ApiDocument { title: string, version: string, about: string, groups: Group[], schemas: Schemas }

type Json = Record<string, any> // any: a document of somebody else

const methods = ['get', 'head', 'post', 'put', 'patch', 'delete']

/** Operations stand under their tag, those without one under the first part of their path. */
export function readDocument (document: unknown): ApiDocument {
  const { info = {}, paths = {}, components = {}, tags = [], security = [] } = document as Json
  const groups = new Map<string, Operation[]>((tags as Json[]).map(({ name }) => [String(name), []]))
  for (const [path, item] of Object.entries(paths as Record<string, Json>)) {
    for (const method of methods) {
      const told = item[method] as Json | undefined
      if (told == null) continue
      const name = String(told.tags?.[0] ?? groupOfPath(path))
      groups.set(name, [...groups.get(name) ?? [], operationOf(method, path, { security, ...told })])
    }
  }
  return {
    title: String(info.title ?? ''),
    version: String(info.version ?? ''),
    about: String(info.description ?? ''),
    groups: Array.from(groups, ([name, operations]) => ({ name, operations })).filter(({ operations }) => operations.length > 0),
    schemas: (components.schemas ?? {}) as Schemas
  }
}

function groupOfPath (path: string): string {
  const [first = ''] = path.split('/').filter(part => part !== '')
  return first.startsWith('{') || first === '' ? 'Other' : first.charAt(0).toUpperCase() + first.slice(1)
}

function operationOf (method: string, path: string, told: Json): Operation {
  return {
    id: String(told.operationId ?? `${method}-${path}`),
    method: method.toUpperCase(),
    path,
    summary: String(told.summary ?? ''),
    about: String(told.description ?? ''),
    isOpen: (told.security as unknown[]).length === 0,
    parameters: ((told.parameters ?? []) as Json[]).filter(({ in: place }) => place === 'path' || place === 'query').map(parameterOf),
    body: bodyOf(told.requestBody),
    answers: Object.entries((told.responses ?? {}) as Record<string, Json>).map(([status, answer]) => ({
      status, about: String(answer.description ?? ''), ...contentOf(answer.content)
    }))
  }
}

const parameterOf = ({ name, in: place, required, description, schema }: Json): Parameter =>
  ({
    name: String(name), place: place === 'path' ? 'path' : 'query', isRequired: required === true,
    about: String(description ?? schema?.description ?? ''), schema: schema ?? {}
  })

function bodyOf (told: Json | undefined): Body | null {
  if (told == null) return null
  const { contentType, schema } = contentOf(told.content)
  return { contentType: contentType ?? '', about: String(told.description ?? ''), schema }
}

function contentOf (content: Record<string, Json> | undefined): { contentType: string | null, schema: Schema | null } {
  const [contentType, { schema = null } = {}] = Object.entries(content ?? {})[0] ?? []
  return { contentType: contentType ?? null, schema }
}

/** What a reference leads to; a reference to nothing is an empty schema, which everything fits. */
function resolved (schema: Schema, schemas: Schemas): Schema {
  const name = schema.$ref?.split('/').at(-1)
  return name == null ? schema : resolved(schemas[name] ?? {}, schemas)
}

/** The first kind that isn't null, and whether null may stand in its place. */
export function choices (schema: Schema, schemas: Schemas): { schema: Schema, isNullable: boolean } {
  const one = resolved(schema, schemas)
  const options = (one.anyOf ?? one.oneOf ?? one.allOf)?.map(option => resolved(option, schemas))
  if (options != null) {
    const real = options.find(option => option.type !== 'null') ?? {}
    return { schema: choices(real, schemas).schema, isNullable: options.some(option => option.type === 'null') }
  }
  if (!Array.isArray(one.type)) return { schema: one, isNullable: false }
  const kinds = one.type.filter(kind => kind !== 'null')
  return { schema: { ...one, type: kinds[0] ?? 'null' }, isNullable: kinds.length < one.type.length }
}

/** "string", "integer, 1 to 1000", "list of strings", "pinned or failed". For people. */
export function kindText (schema: Schema, schemas: Schemas): string {
  const { schema: one, isNullable } = choices(schema, schemas)
  const text = plainKind(one, schemas)
  return isNullable ? `${text} or null` : text
}

function plainKind (schema: Schema, schemas: Schemas): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum != null) return schema.enum.map(value => typeof value === 'string' ? value : JSON.stringify(value)).join(' or ')
  if (schema.type === 'array') return `list of ${plainKind(choices(schema.items ?? {}, schemas).schema, schemas)}`
  if (schema.type === 'object' && schema.properties == null) return 'object'
  if (schema.type == null) return 'any'
  const kind = schema.format === 'date-time' ? 'time' : schema.format === 'binary' ? 'file' : schema.format ?? schema.type
  return [kind, rangeText(schema)].filter(text => text !== '').join(', ')
}

/** Bounds that are nothing but the largest number that JSON keeps aren't worth a word. */
function rangeText ({ type, minimum, maximum, minLength, maxLength }: Schema): string {
  const isText = type === 'string'
  const [least, most] = isText ? [minLength, maxLength] : [minimum, maximum]
  const from = least == null || Math.abs(least) >= Number.MAX_SAFE_INTEGER ? undefined : least
  const to = most == null || most >= Number.MAX_SAFE_INTEGER ? undefined : most
  const unit = isText ? ' characters' : ''
  if (from != null && to != null) return `${countText(from)} to ${countText(to)}${unit}`
  if (to != null) return `at most ${countText(to)}${unit}`
  return from != null && (!isText || from > 1) ? `at least ${countText(from)}${unit}` : ''
}

/** A value that fits, as the examples in the reference show it. Schemas that contain themselves end after a few levels. */
export function exampleOf (
  schema: Schema, schemas: Schemas,
  { name = '', depth = 0, isRequiredOnly = false }: { name?: string, depth?: number, isRequiredOnly?: boolean } = {}
): unknown {
  const { schema: one } = choices(schema, schemas)
  if (one.const !== undefined) return one.const
  if (one.examples?.[0] !== undefined) return one.examples[0]
  if (one.default !== undefined) return one.default
  if (one.enum != null) return one.enum[0]
  const inner = { depth: depth + 1, isRequiredOnly }
  switch (one.type) {
    case 'object': return objectExample(one, schemas, inner)
    case 'array': return depth > 5 ? [] : [exampleOf(one.items ?? {}, schemas, { ...inner, name: name.replace(/s$/, '') })]
    case 'integer': case 'number': return numberExample(name, one)
    case 'boolean': return true
    case 'string': return textExample(name, one)
    default: return null
  }
}

function objectExample (
  { properties, required = [], additionalProperties }: Schema, schemas: Schemas, inner: { depth: number, isRequiredOnly: boolean }
): unknown {
  if (inner.depth > 6) return {}
  if (properties == null) {
    return typeof additionalProperties === 'object' ? { app: exampleOf(additionalProperties, schemas, { ...inner, name: 'app' }) } : {}
  }
  const names = Object.keys(properties).filter(name => !inner.isRequiredOnly || required.includes(name))
  return Object.fromEntries(names.map(name => [name, exampleOf(properties[name] ?? {}, schemas, { ...inner, name })]))
}

const numbers: Readonly<Record<string, number>> = {
  size: 204_800, quota_bytes: 1_073_741_824, used_bytes: 10_485_760, total_size_bytes: 10_485_760, file_count: 42, deleted: 2, count: 1,
  uses: 0, max_uses: 10
}
const numberExample = (name: string, { minimum = 1 }: Schema): number => numbers[name] ?? Math.max(minimum, 1)

const texts: Readonly<Record<string, string>> = {
  email: 'user@example.com', password: 'securePassword123', old_password: 'securePassword123', new_password: 'anotherPassword456',
  verification_code: '123456',
  api_key: `ak_${'x'.repeat(32)}`, cid: 'bafkreih5aznjvttude6c3wbvqeebb6rlx7kibuzn7i56aklrbb2a5v53em', original_filename: 'report.pdf',
  content_type: 'application/pdf', name: 'my-document.pdf',
  message: 'Done', task_id: 'd4a2c6f8-0b1e-4c3d-9e5f-6a7b8c9d0e1f', requestid: 'clxyz456', endpoint: 'https://api.example.com/psa',
  origin: '/ip4/203.0.113.1/tcp/4001/p2p/QmSourcePeerId'
}

function textExample (name: string, { format, pattern }: Schema): string {
  const known = texts[name]
  if (known != null) return known
  if (format === 'date-time') return '2026-03-14T12:00:00Z'
  if (format === 'date') return '2026-03-14'
  if (format === 'uuid') return texts.task_id ?? ''
  if (format === 'uri') return 'https://example.com/'
  return pattern === '^\\d{6}$' ? '123456' : 'text'
}

/** The groups with those operations that have the words in path or summary; groups without any are left out. */
export function found ({ groups }: ApiDocument, text: string): Group[] {
  const words = text.toLowerCase().split(/\s+/).filter(word => word !== '')
  const fits = ({ method, path, summary }: Operation, group: string): boolean => {
    const whole = `${method} ${path} ${summary} ${group}`.toLowerCase()
    return words.every(word => whole.includes(word))
  }
  return groups.map(
    ({ name, operations }) => ({ name, operations: operations.filter(operation => fits(operation, name)) })
  ).filter(({ operations }) => operations.length > 0)
}

/** A line of a table of parameters or properties. */
export interface Row { name: string, kind: string, isRequired: boolean, about: string }

/** The fields of a schema, those of inner objects as `data.cid`, those of lists as `data[].cid`. */
export function rowsOf (schema: Schema, schemas: Schemas, { prefix = '', depth = 0 }: { prefix?: string, depth?: number } = {}): Row[] {
  const { schema: one } = choices(schema, schemas)
  if (one.type === 'array' && one.items != null) return rowsOf(one.items, schemas, { prefix: `${prefix}[]`, depth })
  if (one.properties == null || depth > 3) return []
  return Object.entries(one.properties).flatMap(([name, field]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`
    const about = resolved(field, schemas).description ?? field.description ?? ''
    const row = { name: path, kind: kindText(field, schemas), isRequired: one.required?.includes(name) === true, about }
    return [row, ...rowsOf(field, schemas, { prefix: path, depth: depth + 1 })]
  })
}
