import { percentDecode } from '../../base/text/byte-text.ts'

/** A media type or a disposition with its parameters; names lower case. */
export interface MediaType { type: string, params: ReadonlyMap<string, string> }

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+/
const special = /[()<>@,;:\\"/[\]?=]/

/** Parses `type; name=value; name="quoted"; name*=UTF-8''x` as Go's mime package does. Null when it can't be read. */
export function parseMediaType (text: string): MediaType | null {
  const semicolon = text.indexOf(';')
  const type = (semicolon < 0 ? text : text.slice(0, semicolon)).trim().toLowerCase()
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+(\/[!#$%&'*+\-.^_`|~0-9a-z]+)?$/.test(type)) return null
  const params = new Map<string, string>()
  let rest = semicolon < 0 ? '' : text.slice(semicolon)
  while (rest.trim() !== '') {
    const one = parameter(rest)
    if (one == null) {
      if (rest.trim() === ';') break // a semicolon at the end is fine
      return null
    }
    if (params.has(one.name)) return null
    params.set(one.name, one.value)
    rest = one.rest
  }
  return { type, params: plainNames(params) }
}

function parameter (text: string): { name: string, value: string, rest: string } | null {
  const start = /^\s*;\s*/.exec(text)
  if (start == null) return null
  const body = text.slice(start[0].length)
  const name = token.exec(body)?.[0]
  if (name == null) return null
  const equals = /^\s*=\s*/.exec(body.slice(name.length))
  if (equals == null) return null
  const after = body.slice(name.length + equals[0].length)
  const value = after.startsWith('"') ? quoted(after) : plain(after)
  return value == null ? null : { name: name.toLowerCase(), ...value }
}

function plain (text: string): { value: string, rest: string } | null {
  const value = token.exec(text)?.[0]
  return value == null ? null : { value, rest: text.slice(value.length) }
}

/** A backslash escapes only what needs it, so that Windows paths survive. */
function quoted (text: string): { value: string, rest: string } | null {
  let value = ''
  for (let at = 1; at < text.length; at++) {
    const one = text[at] ?? ''
    if (one === '"') return { value, rest: text.slice(at + 1) }
    if (one === '\r' || one === '\n') return null
    const next = text[at + 1] ?? ''
    if (one === '\\' && special.test(next)) {
      value += next
      at++
    } else value += one
  }
  return null
}

/** RFC 2231: `name*=charset'language'escaped` becomes `name`; only UTF-8 and ASCII are known. */
function plainNames (params: Map<string, string>): Map<string, string> {
  const out = new Map<string, string>()
  for (const [name, value] of params) {
    const extended = name.endsWith('*') ? /^(utf-8|us-ascii)'[^']*'(.*)$/is.exec(value)?.[2] : undefined
    if (extended != null) out.set(name.slice(0, -1), percentDecode(extended) ?? extended)
    else if (!name.endsWith('*') && !out.has(name)) out.set(name, value)
  }
  return out
}
