import { ClusterError, messageOf } from '../base/errors.ts'

/** A JSON object of a file and the line on which it begins, counted from 1. */
export interface JsonValue { value: unknown, line: number }

const maxValueBytes = 1024 * 1024
const tooLong = `a pin of more than ${maxValueBytes} bytes`
/** A pin has two levels. */
const maxNesting = 64
const quote = 0x22
const backslash = 0x5c
const newline = 0x0a
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]

/**
 * The JSON objects of a stream, one after the other with or without white space between them, each on one line or on many. One batch per
 * chunk, so that memory stays at a chunk and an object (1 MiB at most). Throws INVALID_DATA whose message begins with the line at fault
 * (`details.line`).
 */
export async function * jsonValues (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<JsonValue[]> {
  const scanner = new Scanner()
  for await (const chunk of chunks) {
    const values = scanner.take(chunk)
    if (values.length > 0) yield values
  }
  scanner.end()
}

/** What is wrong with a line of a file that is imported. */
export const faultInLine = (line: number, why: string, cause?: unknown): ClusterError =>
  new ClusterError('INVALID_DATA', { line }, { message: `line ${line}: ${why}`, ...(cause === undefined ? {} : { cause }) })

/** Finds where objects begin and end; JSON.parse does the rest. */
class Scanner {
  #line = 1
  #depth = 0
  #inString = false
  #isEscaped = false
  #beganAt = 1
  /** The beginning of an object whose end is in a later chunk. */
  #parts: Uint8Array[] = []
  #partBytes = 0

  take (chunk: Uint8Array): JsonValue[] {
    const values: JsonValue[] = []
    let from = 0
    for (let at = 0; at < chunk.length; at++) {
      if (this.#inString) at = this.#string(chunk, at)
      else if (this.#step(chunk[at] ?? 0)) {
        if (this.#depth === 0) values.push(this.#finish(chunk.subarray(from, at + 1)))
        else from = at
      }
    }
    if (this.#depth > 0) this.#keep(chunk.subarray(from))
    return values
  }

  end (): void {
    if (this.#depth > 0) throw this.#unfinished('the file ends in the middle of a pin')
  }

  /** True when an object of the top level begins or ends with this byte. */
  #step (byte: number): boolean {
    if (byte === newline) this.#line++
    else if (this.#depth === 0) return this.#topLevel(byte)
    else if (byte === quote) this.#inString = true
    else if (byte === openBrace || byte === openBracket) this.#deeper()
    else if (byte === closeBrace || byte === closeBracket) return --this.#depth === 0
    return false
  }

  #deeper (): void {
    if (++this.#depth > maxNesting) throw faultInLine(this.#line, `more than ${maxNesting} values are nested in each other`)
  }

  #topLevel (byte: number): boolean {
    if (byte === openBrace) {
      this.#depth = 1
      this.#beganAt = this.#line
      return true
    }
    // white space, or a byte order mark
    if (byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0xef || byte === 0xbb || byte === 0xbf) return false
    throw faultInLine(this.#line, `a pin (a JSON object) was expected, not ${JSON.stringify(String.fromCharCode(byte))}`)
  }

  /** Goes to the end of the text, or of the chunk; gives the index of the last byte that was looked at. */
  #string (chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]
      if (this.#isEscaped) this.#isEscaped = false
      else if (byte === backslash) this.#isEscaped = true
      else if (byte === newline) throw faultInLine(this.#line, 'the line ends in the middle of a text')
      else if (byte === quote) {
        this.#inString = false
        return at
      }
    }
    return chunk.length
  }

  #keep (part: Uint8Array): void {
    this.#parts.push(part)
    this.#partBytes += part.length
    if (this.#partBytes > maxValueBytes) throw this.#unfinished(tooLong)
  }

  #finish (last: Uint8Array): JsonValue {
    if (this.#partBytes + last.length > maxValueBytes) throw faultInLine(this.#beganAt, tooLong)
    const text = this.#text(last)
    try {
      return { value: JSON.parse(text), line: this.#beganAt }
    } catch (err) {
      throw this.#syntaxFault(text, err)
    }
  }

  #text (last: Uint8Array): string {
    const bytes = this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last])
    this.#parts = []
    this.#partBytes = 0
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  }

  #syntaxFault (text: string, err: unknown): ClusterError {
    const position = Number(/at position (\d+)/.exec(messageOf(err))?.[1] ?? 0)
    const line = this.#beganAt + text.slice(0, position).split('\n').length - 1
    return faultInLine(line, `not valid JSON: ${messageOf(err).replace(/ \(line \d+ column \d+\)$/, '')}`, err)
  }

  /** An object without end: usually one that was cut off swallows those behind it, so the first fault in it is told. */
  #unfinished (otherwise: string): ClusterError {
    const text = this.#text(new Uint8Array(0))
    try {
      JSON.parse(text)
    } catch (err) {
      if (!/end of JSON input|Unterminated/.test(messageOf(err))) return this.#syntaxFault(text, err)
    }
    return faultInLine(this.#beganAt, otherwise)
  }
}
