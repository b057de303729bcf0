/** Ten bits at a time: two characters, as they lie in memory. */
function pairsOf (alphabet: string): Uint16Array {
  const characters = new Uint8Array(2048)
  for (let bits = 0; bits < 1024; bits++) {
    characters[2 * bits] = alphabet.charCodeAt(bits >> 5)
    characters[2 * bits + 1] = alphabet.charCodeAt(bits & 31)
  }
  return new Uint16Array(characters.buffer)
}

const lower = pairsOf('abcdefghijklmnopqrstuvwxyz234567')
const upper = pairsOf('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')
const valuesOf = (alphabet: string): Int8Array => {
  const values = new Int8Array(128).fill(-1)
  for (let value = 0; value < alphabet.length; value++) values[alphabet.charCodeAt(value)] = value
  return values
}
const lowerValues = valuesOf('abcdefghijklmnopqrstuvwxyz234567')
const upperValues = valuesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')

/** RFC 4648 base32 in lower case without padding, in a third of the time that multiformats takes: long lists spend most of theirs on it. */
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

/** Where short texts are assembled: a text of pieces would be a tree of them, and copied when it is used. */
const scratch = new Uint16Array(256)
const scratchText = textIn(scratch)

function encode (bytes: Uint8Array, pairs: Uint16Array): string {
  const pairCount = 4 * Math.ceil(bytes.length / 5)
  const isLong = pairCount > scratch.length
  const text = isLong ? new Uint16Array(pairCount) : scratch
  for (let at = 0, to = 0; at < bytes.length; at += 5, to += 4) {
    putGroup(text, to, pairs, bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0, bytes[at + 4] ?? 0)
  }
  return (isLong ? textIn(text) : scratchText)(Math.ceil(bytes.length * 8 / 5))
}

/** Five bytes, one by one because an array for each group would cost more than the work. */
function putGroup (text: Uint16Array, to: number, pairs: Uint16Array, a: number, b: number, c: number, d: number, e: number): void {
  text[to] = pairs[(a << 2) | (b >> 6)] ?? 0
  text[to + 1] = pairs[((b & 63) << 4) | (c >> 4)] ?? 0
  text[to + 2] = pairs[((c & 15) << 6) | (d >> 2)] ?? 0
  text[to + 3] = pairs[((d & 3) << 8) | e] ?? 0
}

/** The first so many characters that lie there. Browsers have no `Buffer`. */
function textIn (characters: Uint16Array<ArrayBuffer>): (length: number) => string {
  const bytes = new Uint8Array(characters.buffer)
  if (typeof Buffer === 'undefined') return length => new TextDecoder().decode(bytes.subarray(0, length))
  const buffer = Buffer.from(bytes.buffer)
  return length => buffer.toString('latin1', 0, length)
}
