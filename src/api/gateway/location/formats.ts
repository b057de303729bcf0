import type { Query } from '../../../http/request/query.ts'
import { invalid } from '../answer/refusal.ts'

/** What may be asked for instead of the content as a browser wants it. */
export type Format = 'raw' | 'car' | 'tar' | 'dag-json' | 'dag-cbor' | 'json' | 'cbor' | 'ipns-record'

/** The Content-Type of each `?format=`. */
export const typeOfFormat: Readonly<Record<Format, string>> = {
  raw: 'application/vnd.ipld.raw',
  car: 'application/vnd.ipld.car',
  tar: 'application/x-tar',
  'dag-json': 'application/vnd.ipld.dag-json',
  'dag-cbor': 'application/vnd.ipld.dag-cbor',
  json: 'application/json',
  cbor: 'application/cbor',
  'ipns-record': 'application/vnd.ipfs.ipns-record'
}

/** All formats that there are. */
export const formats = Object.keys(typeOfFormat) as readonly Format[]

const formatOfType = new Map(Object.entries(typeOfFormat).map(([format, type]) => [type, format as Format]))

/** The format of a request, where it is said, and the parameters of the `Accept` that says it (`version`, `order`, `dups`). */
export interface AskedFormat { format: Format | undefined, isFromAccept: boolean, params: ReadonlyMap<string, string> }

const none: ReadonlyMap<string, string> = new Map()
const asBrowsers: AskedFormat = { format: undefined, isFromAccept: false, params: none }

/** `?format=` before `Accept`. An unknown `format` counts as absent; the first known type of `Accept` wins, but for those with q=0. */
export function askedFormat (query: Query, accept: string | undefined): AskedFormat {
  const named = query.get('format')
  const accepted = accept == null ? asBrowsers : ofAccept(accept)
  if (!Object.hasOwn(typeOfFormat, named)) return accepted
  const format = named as Format
  return { format, isFromAccept: false, params: accepted.format === format ? accepted.params : none }
}

/** The longest list that is looked at. */
const maxAccept = 4096

function ofAccept (accept: string): AskedFormat {
  if (accept.length > maxAccept) throw invalid('the Accept header is too long')
  for (const item of accept.split(',')) {
    const [type = '', ...rest] = item.split(';')
    const format = formatOfType.get(type.trim().toLowerCase())
    if (format == null) continue
    const params = parametersOf(rest)
    if (Number(params.get('q') ?? 1) !== 0) return { format, isFromAccept: true, params }
  }
  return asBrowsers
}

function parametersOf (parts: readonly string[]): Map<string, string> {
  return new Map(parts.map(part => {
    const [name = '', value = ''] = part.split('=', 2)
    return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')]
  }))
}

/** The URL that gives this format whatever is accepted: for `Content-Location`. Undefined when the request's URL says it already. */
export function contentLocation (path: string, query: Query, { format, isFromAccept, params }: AskedFormat): string | undefined {
  if (format == null || !isFromAccept) return undefined
  const parts = query.raw === '' ? [] : query.raw.split('&').filter(part => !part.startsWith('format='))
  parts.push(`format=${format}`)
  if (format === 'car') {
    for (const name of ['version', 'order', 'dups']) {
      const value = params.get(name)
      if (value != null && query.get(`car-${name}`) === '') parts.push(`car-${name}=${encodeURIComponent(value)}`)
    }
  }
  return `${path}?${parts.toSorted().join('&')}`
}
