/** Ten bits at a time: two characters. */
const pairsOf = (alphabet: string): string[] =>
  Array.from({ length: 1024 }, (_pair, bits) => `${alphabet[bits >> 5]}${alphabet[bits & 31]}`)

const lower = pairsOf('abcdefghijklmnopqrstuvwxyz234567')
const upper = pairsOf('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')
const valuesOf = (alphabet: string): Int8Array => {
  const values = new Int8Array(128).fill(-1)
  for (let value = 0; value < alphabet.length; value++) values[alphabet.charCodeAt(value)] = value
  return values
}
const lowerValues = valuesOf('abcdefghijklmnopqrstuvwxyz234567')
const upperValues = valuesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')

/** RFC 4648 base32 in lower case without padding, in half the time that multiformats takes: long lists spend most of theirs on it. */
export const base32 = (bytes: Uint8Array): string => encode(bytes, lower)

/** Base32 in upper case without padding (RFC 4648), as keys of Go's datastores have it. */
export const base32Upper = (bytes: Uint8Array): string => encode(bytes, upper)

/** The bytes of lower-case base32 without padding, from a place of the text on; undefined for anything that `base32` doesn't print. */
export const fromBase32 = (text: string, from = 0): Uint8Array<ArrayBuffer> | undefined => decode(text, from, lowerValues)

/** The same of upper case. */
export const fromBase32Upper = (text: string, from = 0): Uint8Array<ArrayBuffer> | undefined => decode(text, from, upperValues)

function decode (text: string, from: number, values: Int8Array): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(Math.floor((text.length - from) * 5 / 8))
  let bits = 0
  let value = 0
  let at = 0
  for (let n = from; n < text.length; n++) {
    const five = values[text.charCodeAt(n)] ?? -1
    if (five < 0) return undefined
    value = ((value << 5) | five) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = value >> bits
  }
  // a whole character too many, or bits that no byte has
  return bits < 5 && (value & ((1 << bits) - 1)) === 0 ? bytes : undefined
}

function encode (bytes: Uint8Array, pairs: readonly string[]): string {
  const whole = bytes.length - bytes.length % 5
  let text = ''
  for (let at = 0; at < whole; at += 5) {
    text += group(pairs, bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0, bytes[at + 4] ?? 0)
  }
  const rest = bytes.length - whole
  if (rest === 0) return text
  const tail = group(pairs, bytes[whole] ?? 0, bytes[whole + 1] ?? 0, bytes[whole + 2] ?? 0, bytes[whole + 3] ?? 0, 0)
  return text + tail.slice(0, Math.ceil(rest * 8 / 5))
}

/** Five bytes, one by one because an array for each group would cost more than the work. */
function group (pairs: readonly string[], a: number, b: number, c: number, d: number, e: number): string {
  return `${pairs[(a << 2) | (b >> 6)]}${pairs[((b & 63) << 4) | (c >> 4)]}${pairs[((c & 15) << 6) | (d >> 2)]}${pairs[((d & 3) << 8) | e]}`
}
