import { isUtf8 } from 'node:buffer'
import { decodeOptions as cborOptions } from '@ipld/dag-cbor'
import { Token, Type } from 'cborg'
import { decode, Tokenizer } from 'cborg/json'
import type { DecodeOptions } from 'cborg'
import { CID } from 'multiformats/cid'
import { base64 } from 'multiformats/bases/base64'
import { compareBytes, textOfBytes } from '../base/text/byte-text.ts'
import { ClusterError, isClusterError, messageOf } from '../base/errors.ts'
import { refuseNestedJson } from '../base/nesting.ts'
import { cidText, isTooLongForCid, maxSlowText, parseCid } from './cid.ts'
import { Float, floatOf } from './float.ts'
import { goJsonString } from './go-json.ts'

/**
 * The value of a DAG-JSON block of anybody, read as Kubo does: `1.0` is a `Float`, integers have 64 bits, and what looks like a link but
 * has more keys is a map. Throws
 * INVALID_DATA when it nests too deeply, the text of a link is too long, or for integers that have no place; and what the decoder throws.
 */
export function decodeDagJson (bytes: Uint8Array): unknown {
  refuseNestedJson(bytes)
  const text = isUtf8(bytes) ? bytes : Buffer.from(textOfBytes(bytes).toWellFormed())
  const content = text.subarray(0, endOfContent(text))
  try {
    return decode(content, { ...decodeOptions, tokenizer: new DagJsonTokenizer(content, decodeOptions) })
  } catch (err) {
    throw isClusterError(err) ? err : invalid(whatIsWrong(messageOf(err)), err)
  }
}

const blanks = new Set(Buffer.from(' \0\t\r\n'))

function endOfContent (bytes: Uint8Array): number {
  let end = bytes.length
  while (end > 0 && blanks.has(bytes[end - 1] ?? 0)) end--
  return end
}

/** The decoder is one of CBOR. */
const whatIsWrong = (message: string): string =>
  message.replace(/^CBOR decode error: /, '').replace(/^found repeat map key /, 'cannot repeat map key ')

/** Links and bytes are assembled by the tokenizer; the tag that it gives them says how. */
const linkTag = 42

const decodeOptions: DecodeOptions = {
  ...cborOptions,
  allowUndefined: false,
  tags: {
    [linkTag]: decodeText => {
      const text = decodeText() as string
      refuseLongLink(text)
      return parseCid(text)
    }
  }
}

const number = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/
const minInt64 = -(2n ** 63n)
const maxInt64 = 2n ** 63n - 1n

class DagJsonTokenizer extends Tokenizer {
  /** Read ahead, the next one last. */
  readonly #ahead: Token[] = []

  override done (): boolean { return this.#ahead.length === 0 && super.done() }

  override next (): Token {
    const token = this.#take()
    if (token.type !== Type.map) return token
    const tokens = [this.#take()]
    if (isText(tokens[0], '/')) {
      tokens.push(this.#take())
      const special = isText(tokens[1]) ? this.#link(tokens) : tokens[1]?.type === Type.map ? this.#bytes(tokens) : undefined
      if (special != null) return special
    }
    this.#ahead.push(...tokens.toReversed())
    return token
  }

  /** `{"/":"CID"}`: the text comes behind a tag. */
  #link (tokens: Token[]): Token | undefined {
    tokens.push(this.#take())
    if (tokens[2]?.type !== Type.break) return undefined
    this.#ahead.push(tokens[1] as Token)
    return new Token(Type.tag, linkTag, 0)
  }

  /** `{"/":{"bytes":"…"}}`. */
  #bytes (tokens: Token[]): Token | undefined {
    const expected = [(token: Token) => isText(token, 'bytes'), isText, isBreak, isBreak]
    for (const isExpected of expected) {
      const token = this.#take()
      tokens.push(token)
      if (!isExpected(token)) return undefined
    }
    const text = (tokens[3] as Token).value as string
    return new Token(Type.bytes, base64.decode(`m${text.replace(/=+$/, '')}`), text.length)
  }

  #take (): Token {
    const token = this.#ahead.pop() ?? super.next()
    // an escape may be half a surrogate pair
    return token.type === Type.string && !(token.value as string).isWellFormed()
      ? new Token(Type.string, (token.value as string).toWellFormed(), token.encodedLength)
      : token
  }

  override parseNumber (): Token {
    const from = this._pos
    while (!this.done() && numberBytes.has(this.ch())) this._pos++
    const text = Buffer.from(this.data.buffer, this.data.byteOffset + from, this._pos - from).toString('latin1')
    const [, , fraction, exponent] = number.exec(text) ?? []
    if (!number.test(text)) throw invalid(`invalid numeric literal ${JSON.stringify(text.slice(0, 100))}`)
    if (fraction != null || exponent != null) return new Token(Type.float, finite(text), text.length)
    return integer(text)
  }
}

const numberBytes = new Set(Buffer.from('0123456789+-.eE'))

function integer (text: string): Token {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return new Token(value < 0 ? Type.negint : Type.uint, value === 0 ? 0 : value, text.length)
  // a number of very many digits takes time to read, and has no place
  const exact = text.length > 20 ? maxInt64 + 1n : BigInt(text)
  if (exact < minInt64 || exact > maxInt64) throw invalid(`strconv.ParseInt: parsing "${text.slice(0, 100)}": value out of range`)
  return new Token(exact < 0n ? Type.negint : Type.uint, exact, text.length)
}

function finite (text: string): number | Float {
  const value = Number(text)
  if (!Number.isFinite(value)) throw invalid(`strconv.ParseFloat: parsing "${text.slice(0, 100)}": value out of range`)
  return floatOf(value)
}

function isText (token: Token | undefined, wanted?: string): boolean {
  return token?.type === Type.string && (wanted == null || token.value === wanted)
}

const isBreak = (token: Token): boolean => token.type === Type.break

const invalid = (message: string, cause?: unknown): ClusterError => new ClusterError('INVALID_DATA', {}, { message, cause })

/**
 * A value as Kubo prints it in DAG-JSON: keys sorted by their bytes, floating-point numbers without a fraction as integers. Throws for what
 * no block can hold.
 */
export function encodeDagJson (value: unknown): Uint8Array {
  return Buffer.from(printed(value))
}

function printed (value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' || value instanceof Float) return Object.is(Number(value), -0) ? '-0' : String(Number(value))
  if (typeof value === 'string') return printedText(value)
  if (value instanceof Uint8Array) return `{"/":{"bytes":"${base64.encode(value).slice(1)}"}}`
  const cid = CID.asCID(value)
  if (cid != null) return `{"/":"${cidText(cid)}"}`
  if (Array.isArray(value)) return `[${value.map(printed).join(',')}]`
  if (typeof value !== 'object' || value === undefined) throw invalid(`${typeof value} is no value of a block`)
  const entries = Object.entries(value).toSorted(([a], [b]) => compareBytes(a, b))
  return `{${entries.map(([key, inner]) => `${printedText(key)}:${printed(inner)}`).join(',')}}`
}

/** Like JSON of Go, without the care for HTML; backspace and form feed are numbers. */
const printedText = (text: string): string =>
  goJsonString(text).replace(/\\u00(26|3c|3e)|(\\\\)|\\([bf])/g, (_, hex?: string, backslash?: string, letter?: string) =>
    backslash ?? (letter == null ? String.fromCharCode(parseInt(hex ?? '', 16)) : letter === 'b' ? '\\u0008' : '\\u000c'))

/** Throws INVALID_DATA. */
function refuseLongLink (text: string): void {
  if (isTooLongForCid(text)) {
    throw new ClusterError('INVALID_DATA', {}, { message: `the text of a link has more than ${maxSlowText} characters` })
  }
}

/**
 * The links of a DAG-JSON block in order, as texts: objects with the one key "/" and a text as value; `{"/":{"bytes":…}}` are bytes. Throws
 * when it isn't JSON.
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
