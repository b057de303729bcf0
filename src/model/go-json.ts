/**
 * JSON text exactly as Go's encoding/json prints it: `&`, `<`, `>`, U+2028 and U+2029 escaped, bigints as plain numbers, `\ufffd` for each
 * byte of a text that isn't UTF-8 (see `byte-text.ts`) and for every other half of a surrogate pair. Key order is the object's own; with
 * `indent` as json.MarshalIndent prints it; functions named `…Json` in this folder build objects in the order of Go's struct declarations.
 */
export function goJson (value: unknown, { indent = 0 }: { indent?: number } = {}): string {
  return escapeHtml(plainJson(value, indent) ?? bigintJson(value, indent))
}

// what needs neither JSON's nor Go's escapes
// eslint-disable-next-line no-control-regex
const needsNoEscape = /^[\x20\x21\x23-\x25\x27-\x3b\x3d\x3f-\x5b\x5d-\x7e]*$/

/** A JSON string literal as Go prints it. */
export function goJsonString (value: string): string {
  return needsNoEscape.test(value) ? `"${value}"` : escapeHtml(JSON.stringify(value))
}

/** Undefined for what has bigints, which JSON.stringify refuses. Few have: without a replacer it is several times faster. */
function plainJson (value: unknown, indent: number): string | undefined {
  try {
    return JSON.stringify(value, undefined, indent)
  } catch (err) {
    if (err instanceof TypeError) return undefined
    throw err
  }
}

function bigintJson (value: unknown, indent: number): string {
  const json = JSON.stringify(value, bigintAsNumber, indent)
  return rawJSON == null ? json.replace(markedNumber, '$1') : json
}

/** Node 20, which helia-cluster-ctl runs on, has none: there a bigint is a text with a mark until all is text. */
const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown }
const mark = '\0bigint:'
const markedNumber = /"\\u0000bigint:(-?\d+)"/g

function bigintAsNumber (_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return rawJSON == null ? `${mark}${value}` : rawJSON(value.toString())
}

const needsEscape = /[&<>\u2028\u2029]/
const toEscape = /[&<>\u2028\u2029]|\\\\|\\ud[89a-f][0-9a-f]{2}/g

function escapeHtml (json: string): string {
  // Go prints backspace and form feed as \b and \f since 1.22, as JavaScript does
  if (!needsEscape.test(json) && !json.includes('\\ud')) return json
  return json.replace(toEscape, found => {
    if (found === '\\\\') return found
    if (found.length > 1) return '\\ufffd'
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
