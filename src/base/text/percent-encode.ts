/**
 * Halves of surrogate pairs that stand for bytes that aren't UTF-8: see `byte-text.ts`. With the flag u only those that stand alone match.
 */
const escapes = /[\udc80-\udcff]+/gu

/**
 * A text for a URL: what `encode` makes of its UTF-8, and %XX for each byte that is none. Other lone halves of surrogate pairs become
 * U+FFFD.
 */
export function percentEncode (text: string, encode: (wellFormed: string) => string = encodeURIComponent): string {
  if (text.isWellFormed()) return encode(text)
  let out = ''
  let at = 0
  for (const { 0: found, index } of text.matchAll(escapes)) {
    out += encode(text.slice(at, index).toWellFormed())
    for (const one of found) out += `%${(one.charCodeAt(0) & 0xff).toString(16).toUpperCase()}`
    at = index + found.length
  }
  return out + encode(text.slice(at).toWellFormed())
}
