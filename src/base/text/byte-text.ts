import { isUtf8 } from 'node:buffer'

/*
 * Names in directories are bytes. Here they are texts all the same, so that they can be keys, be cut and be joined: what isn't UTF-8 stands
 * in them byte by byte as half a surrogate pair, U+DC80 to U+DCFF (as Python's file names). No UTF-8 gives such a half, so every name has
 * one text and back.
 */

const escapeOf = (byte: number): string => String.fromCharCode(0xdc00 | byte)
/** With the flag u only halves that stand alone match. */
const escapes = /[\udc80-\udcff]+/gu

/** The text that stands for these bytes. A byte order mark stays. */
export function textOfBytes (bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (isUtf8(buffer)) return buffer.toString('utf8')
  let text = ''
  for (let at = 0; at < buffer.length;) {
    const end = validEnd(buffer, at)
    text += end === at ? escapeOf(buffer[at++] ?? 0) : buffer.toString('utf8', at, end)
    at = Math.max(at, end)
  }
  return text
}

/** The bytes that a text stands for: its UTF-8 unless there are bytes in it that are none. */
export function bytesOfText (text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text)
  const pieces: Buffer[] = []
  let at = 0
  for (const { 0: found, index } of text.matchAll(escapes)) {
    pieces.push(Buffer.from(text.slice(at, index)), Buffer.from(found, 'latin1'))
    at = index + found.length
  }
  return Buffer.concat([...pieces, Buffer.from(text.slice(at))])
}

/** How many bytes a text stands for, without making them where it is well-formed. */
export const byteLengthOfText = (text: string): number => text.isWellFormed() ? Buffer.byteLength(text) : bytesOfText(text).length

/** By the bytes that the texts stand for. JavaScript's own order is another where there are surrogates. */
export const compareBytes = (a: string, b: string): number =>
  surrogate.test(a) || surrogate.test(b) ? Buffer.compare(bytesOfText(a), bytesOfText(b)) : a < b ? -1 : a > b ? 1 : 0

const surrogate = /[\ud800-\udfff]/

/** The text in quotation marks, as Go's %q prints it: what can't be printed is escaped, a byte that isn't UTF-8 as \xNN. */
export const quotedText = (text: string): string => `"${text.replace(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, escaped)}"`

const letters: Readonly<Record<string, string>> = {
  '"': '\\"', '\\': '\\\\', '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v'
}

function escaped (one: string): string {
  const code = one.codePointAt(0) ?? 0
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')
  if (letters[one] != null) return letters[one]
  if (code < 0x20 || code === 0x7f || (code >= 0xdc80 && code <= 0xdcff)) return `\\x${hex(code & 0xff, 2)}`
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
}

/** Decodes %XX; null when an escape is broken. Bytes that are not UTF-8 stand as above. */
export function percentDecode (text: string): string | null {
  if (!text.includes('%')) return text
  if (/%(?![0-9a-f]{2})/i.test(text)) return null
  try {
    return decodeURIComponent(text)
  } catch {
    return textOfBytes(unescapedBytes(text))
  }
}

/** The bytes that a text with %XX stands for. */
function unescapedBytes (text: string): Buffer {
  const byteOf = (_all: string, hex: string): string => String.fromCharCode(parseInt(hex, 16))
  const binary = bytesOfText(text).toString('latin1').replace(/%([0-9a-f]{2})/gi, byteOf)
  return Buffer.from(binary, 'latin1')
}

/** Where the UTF-8 that begins here ends; here, when it is none. A run of ASCII counts as one. */
function validEnd (bytes: Uint8Array, from: number): number {
  let at = from
  while (at < bytes.length && (bytes[at] ?? 0) < 0x80) at++
  if (at > from) return at
  const length = sequenceLength(bytes[from] ?? 0)
  return length > 0 && from + length <= bytes.length && isUtf8(bytes.subarray(from, from + length)) ? from + length : from
}

function sequenceLength (first: number): number {
  if (first < 0xc2 || first > 0xf4) return 0
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
}
