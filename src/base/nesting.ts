import { ClusterError } from './errors.ts'

/** Values inside of values. What people make stays below a hundred; decoders call themselves once for each. */
export const maxNesting = 512

/** What a decoder of foreign bytes accepts at most, so that neither stack nor memory is at a stranger's mercy. */
export interface NestingLimits {
  depth: number
  /** Values in all, heads of tags included. */
  items: number
}

const anyNumber: NestingLimits = { depth: maxNesting, items: Infinity }

const tooDeep = (depth: number): never => {
  throw new ClusterError('INVALID_DATA', { depth }, { message: `more than ${depth} values are nested in each other` })
}

/**
 * Refuses CBOR that nests too deeply or has too many values (INVALID_DATA), before a decoder is given it. Only heads are read. It ends
 * where the bytes are no CBOR of definite lengths: the decoder says what is wrong with them.
 */
export function refuseNestedCbor (bytes: Uint8Array, { depth, items }: NestingLimits = anyNumber): void {
  /** Values still to come at each level. */
  const left: number[] = [1]
  let at = 0
  let count = 0
  for (let top = 0; top >= 0; top = left.length - 1) {
    if (left[top] === 0) {
      left.pop()
      continue
    }
    left[top]!--
    const head = headAt(bytes, at)
    if (head == null) return
    if (++count > items) throw new ClusterError('INVALID_DATA', { items }, { message: `more than ${items} values` })
    at = head.end + head.contentBytes
    if (head.inner > 0 && left.push(head.inner) > depth + 1) tooDeep(depth)
  }
}

interface Head { end: number, contentBytes: number, inner: number }

const major = { bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const

function headAt (bytes: Uint8Array, at: number): Head | undefined {
  const first = bytes[at]
  if (first == null) return undefined
  const info = first & 31
  const width = info < 24 ? 0 : info < 28 ? 1 << (info - 24) : -1
  if (width < 0 || at + 1 + width > bytes.length) return undefined
  let value = info
  if (width > 0) {
    value = 0
    for (let n = 1; n <= width; n++) value = value * 256 + (bytes[at + n] ?? 0)
  }
  const kind = first >> 5
  return {
    end: at + 1 + width,
    contentBytes: kind === major.bytes || kind === major.text ? value : 0,
    inner: kind === major.array ? value : kind === major.map ? 2 * value : kind === major.tag ? 1 : 0
  }
}

const [
  quote, backslash, openBracket, closeBracket, openBrace, closeBrace
] = Buffer.from('"\\[]{}') as unknown as [number, number, number, number, number, number]

/** Throws INVALID_DATA for JSON whose arrays and objects lie deeper in each other than `depth`. The bytes needn't be valid JSON. */
export function refuseNestedJson (bytes: Uint8Array, depth = maxNesting): void {
  let open = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === quote) at = endOfText(bytes, at + 1)
    else if (byte === openBracket || byte === openBrace) {
      if (++open > depth) tooDeep(depth)
    } else if (byte === closeBracket || byte === closeBrace) open--
  }
}

function endOfText (bytes: Uint8Array, from: number): number {
  let at = from
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1
  return at
}
