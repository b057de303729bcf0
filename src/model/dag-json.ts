import { decode } from '@ipld/dag-json'
import { ClusterError } from '../base/errors.ts'
import { refuseNestedJson } from '../base/nesting.ts'
import { isTooLongForCid, maxSlowText } from './cid.ts'

/**
 * The value of a DAG-JSON block of anybody. Throws INVALID_DATA when it nests too deeply or the text of a link is too long (the decoder reads it whatever its length), and
 * what the decoder throws.
 */
export function decodeDagJson (bytes: Uint8Array): unknown {
  refuseNestedJson(bytes)
  if (hasLongText(bytes)) for (const text of jsonLinkTexts(bytes)) refuseLongLink(text)
  return decode(bytes)
}

/** Throws INVALID_DATA. */
export function refuseLongLink (text: string): void {
  if (isTooLongForCid(text)) throw new ClusterError('INVALID_DATA', {}, { message: `the text of a link has more than ${maxSlowText} characters` })
}

/**
 * The links of a DAG-JSON block in order, as texts: objects with the one key "/" and a text as value; `{"/":{"bytes":…}}` are bytes. Throws when it isn't JSON.
 */
export function * jsonLinkTexts (bytes: Uint8Array): Generator<string> {
  // A stack of its own: deep nesting must not end the process' stack.
  const stack: unknown[] = [JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(bytes))]
  while (stack.length > 0) {
    const value = stack.pop()
    if (typeof value !== 'object' || value == null) continue
    const children = Object.values(value)
    const slash = children.length === 1 && !Array.isArray(value) ? Object.entries(value)[0] : undefined
    if (slash?.[0] === '/' && typeof slash[1] === 'string') yield slash[1]
    else for (let n = children.length - 1; n >= 0; n--) stack.push(children[n])
  }
}

const [quote, backslash] = Buffer.from('"\\') as unknown as [number, number]

/** Whether any text is longer than a link may be: a look at each byte saves most blocks a second parsing. */
function hasLongText (bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(quote); at >= 0; at = bytes.indexOf(quote, at)) {
    const from = ++at
    while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1
    if (at - from > maxSlowText) return true
    at++
  }
  return false
}
