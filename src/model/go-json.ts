/**
 * JSON text exactly as Go's encoding/json prints it: `&`, `<`, `>`, U+2028 and U+2029 escaped, bigints as plain numbers. Key order is the
 * object's own; with `indent` as json.MarshalIndent prints it; functions named `…Json` in this folder build objects in the order of Go's struct declarations.
 */
export function goJson (value: unknown, { indent = 0 }: { indent?: number } = {}): string {
  return escapeHtml(JSON.stringify(value, bigintAsNumber, indent))
}

/** A JSON string literal as Go prints it. */
export function goJsonString (value: string): string {
  return escapeHtml(JSON.stringify(value))
}

interface RawJson { rawJSON (text: string): unknown }

function bigintAsNumber (_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return (JSON as unknown as RawJson).rawJSON(value.toString())
  return value
}

const needsEscape = /[&<>\u2028\u2029\b\f]/
const toEscape = /[&<>\u2028\u2029]|\\[bf]|\\\\/g

function escapeHtml (json: string): string {
  if (!needsEscape.test(json) && !json.includes('\\b') && !json.includes('\\f')) return json
  return json.replace(toEscape, found => {
    if (found === '\\\\') return found
    // Go prints backspace and form feed as \b and \f since 1.22, as JavaScript does
    if (found.length === 2) return found
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
