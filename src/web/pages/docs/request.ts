import type { Operation } from './openapi.ts'

/** What somebody has filled into the form of an operation. */
export interface Filled {
  /** By the name of the parameter; '' is left out. */
  parameters: Readonly<Record<string, string>>
  /** JSON text. */
  body: string
  file: File | null
}

/** "/api/v1/files/bafk…?limit=10": where the request goes. `base` is what the document's paths stand under. */
export function addressOf (
  { path, parameters }: Pick<Operation, 'path' | 'parameters'>, filled: Pick<Filled, 'parameters'>, base = ''
): string {
  const valueOf = (name: string): string => filled.parameters[name]?.trim() ?? ''
  // paths of content have slashes of their own
  const segments = path.replace(
    /\{(\w+)\}/g,
    (_all, name: string) => name === 'path' ? valueOf(name).split('/').map(encodeURIComponent).join('/') : encodeURIComponent(valueOf(name))
  )
  const query = parameters.filter(({ place, name }) => place === 'query' && valueOf(name) !== '').map(
    ({ name }) => `${encodeURIComponent(name)}=${encodeURIComponent(valueOf(name))}`
  )
  return `${base}${segments}${query.length === 0 ? '' : `?${query.join('&')}`}`
}

/** The names of what can't be left out. */
export function missing ({ parameters, body }: Pick<Operation, 'parameters' | 'body'>, filled: Filled): string[] {
  const empty = parameters.filter(
    ({ isRequired, name }) => isRequired && (filled.parameters[name] ?? '').trim() === ''
  ).map(({ name }) => name)
  return [...empty, ...(body != null && body.contentType !== 'application/json' && filled.file == null ? ['file'] : [])]
}

/** Why this text is no JSON; null when it is. */
export function jsonFault (text: string): string | null {
  try {
    JSON.parse(text)
    return null
  } catch (err) {
    return err instanceof Error ? err.message : String(err)
  }
}

/** The same request for a terminal. */
export function curlOf (
  { method, body, isOpen, ...operation }: Operation, filled: Filled,
  { origin, base = '', key = 'YOUR_API_KEY' }: { origin: string, base?: string, key?: string }
): string {
  const parts = ['curl']
  if (method !== 'GET' && !(method === 'POST' && body != null)) parts.push(`-X ${method}`)
  if (!isOpen) parts.push(`-H ${quoted(`X-API-Key: ${key}`)}`)
  if (body?.contentType === 'application/json') parts.push(`--json ${quoted(compact(filled.body))}`)
  else if (body?.contentType === 'multipart/form-data') parts.push(`-F ${quoted(`file=@${filled.file?.name ?? 'FILE'}`)}`)
  else if (body != null)
    parts.push(`-H ${quoted(`Content-Type: ${body.contentType}`)}`, `--data-binary ${quoted(`@${filled.file?.name ?? 'FILE'}`)}`)
  parts.push(quoted(`${origin}${addressOf(operation, filled, base)}`))
  return parts.join(' \\\n  ')
}

function compact (json: string): string {
  try {
    return JSON.stringify(JSON.parse(json))
  } catch {
    return json
  }
}

/** For POSIX shells. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** What `fetch` gets. With a key nothing else says who asks. */
export function requestOf (
  { method, body }: Pick<Operation, 'method' | 'body'>, filled: Filled, { key }: { key: string | null }
): RequestInit {
  const headers: Record<string, string> = key == null ? {} : { 'X-API-Key': key }
  const init: RequestInit = { method, headers, ...(key == null ? {} : { credentials: 'omit' as const }) }
  if (body == null) return init
  if (body.contentType === 'application/json') {
    return { ...init, headers: { ...headers, 'Content-Type': 'application/json' }, body: filled.body }
  }
  if (filled.file == null) return init
  if (body.contentType !== 'multipart/form-data') {
    return { ...init, headers: { ...headers, 'Content-Type': body.contentType }, body: filled.file }
  }
  const form = new FormData()
  form.append('file', filled.file)
  return { ...init, body: form }
}
