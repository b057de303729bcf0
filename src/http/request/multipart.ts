import { textOfBytes } from '../../base/text/byte-text.ts'
import type { MediaType } from './disposition.ts'
import { parseMediaType } from './disposition.ts'
import { badRequest, HttpError } from '../error-dialect.ts'
import { quotedPrintable } from './quoted-printable.ts'

/** One part of a multipart body. */
export interface Part {
  /** Names lower case; of a repeated header the first. Bytes that aren't UTF-8 stand as in `byte-text.ts`. */
  headers: ReadonlyMap<string, string>
  /** Null when it is missing or can't be read. */
  disposition: MediaType | null
  /** Lower case without parameters; '' when there is none. */
  contentType: string
  /** Bytes of the body before its content. */
  offset: number
  /** To be read before the next part is asked for; what is left is skipped. What is quoted-printable has been decoded, as Go does. */
  content: AsyncIterable<Uint8Array>
}

export interface MultipartOptions {
  /**
   * What a body that breaks off inside a part does. `end`: the part ends as if complete and the next one throws (Go's file chunkers can't
   * see it either); `throw`: the part throws "unexpected EOF".
   */
  onTruncated?: 'end' | 'throw'
}

const encodingHeader = 'content-transfer-encoding'
const headerLimit = 64 * 1024
const maxBoundary = 1024
const nothing: Buffer = Buffer.alloc(0)
const newline = 10

/** The boundary of a multipart/form-data or multipart/mixed body; 400 with Go's texts otherwise. */
export function boundaryOf (contentType: string): string {
  const media = parseMediaType(contentType)
  if (media == null || (media.type !== 'multipart/form-data' && media.type !== 'multipart/mixed')) {
    throw badRequest('request Content-Type isn\'t multipart/form-data')
  }
  const boundary = media.params.get('boundary')
  if (boundary == null || boundary === '') throw badRequest('no multipart boundary param in Content-Type')
  if (boundary.length > maxBoundary) throw badRequest('multipart boundary too long')
  return boundary
}

/**
 * Splits a multipart body into its parts, in order, as a stream: what isn't asked for isn't read, and nothing but the current chunk is in
 * memory.
 * Parts may have any disposition or none. Throws HttpError 500 "multipart: NextPart: EOF" when the body ends without its last boundary.
 */
export async function * parts (
  source: AsyncIterable<Uint8Array>, boundary: string, { onTruncated = 'end' }: MultipartOptions = {}
): AsyncGenerator<Part, void, undefined> {
  const splitter = new Splitter(source, boundary, onTruncated)
  try {
    for (let more = await splitter.findFirst(); more; more = await splitter.findNext()) yield await splitter.readPart()
  } finally {
    await splitter.close()
  }
}

const endOfBody = (): HttpError => new HttpError(500, 'multipart: NextPart: EOF')

class Splitter {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #dash: Buffer
  readonly #onTruncated: 'end' | 'throw'
  /** Line break and boundary: what ends a part. The line break is the one that the first boundary line has. */
  #delimiter: Buffer
  #buffer: Buffer = nothing
  /** Where the buffer's bytes are when they came in several chunks; there may be room behind them. */
  #store: Buffer = nothing
  /** So much of the buffer has no line break: it isn't looked for there again. */
  #searched = 0
  #ended = false
  /** Bytes of the body so far, those in the buffer included. */
  #received = 0
  /** Whether the buffer begins at a delimiter (or at the boundary itself, after a part without content). */
  #atDelimiter = false

  constructor (source: AsyncIterable<Uint8Array>, boundary: string, onTruncated: 'end' | 'throw') {
    this.#source = source[Symbol.asyncIterator]()
    this.#dash = Buffer.from(`--${boundary}`)
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
    this.#onTruncated = onTruncated
  }

  /** Skips what comes before the first boundary line. False: there are no parts. */
  async findFirst (): Promise<boolean> {
    for (;;) {
      const line = await this.#line()
      if (line == null) throw endOfBody()
      const kind = this.#boundaryLine(line)
      if (kind === 'last') return false
      if (kind === 'next') {
        if (!line.endsWith('\r\n')) this.#delimiter = this.#delimiter.subarray(1)
        return true
      }
    }
  }

  /** Skips the rest of the current part. False: that was the last one. */
  async findNext (): Promise<boolean> {
    while (!this.#atDelimiter) if (await this.#content() == null && !this.#atDelimiter) throw endOfBody()
    if (!this.#startsWith(this.#dash)) this.#buffer = this.#buffer.subarray(this.#delimiter.length - this.#dash.length)
    const line = await this.#line()
    const kind = line == null ? null : this.#boundaryLine(line)
    if (kind == null) throw endOfBody()
    return kind === 'next'
  }

  async readPart (): Promise<Part> {
    const headers = await this.#headers()
    const offset = this.#received - this.#buffer.length
    this.#atDelimiter = await this.#beginsWithBoundary()
    const disposition = headers.get('content-disposition')
    const type = parseMediaType(headers.get('content-type') ?? '')?.type ?? ''
    const isEncoded = headers.get(encodingHeader)?.toLowerCase() === 'quoted-printable'
    if (isEncoded) headers.delete(encodingHeader)
    const content = isEncoded ? quotedPrintable(this.#contents()) : this.#contents()
    return { headers, disposition: disposition == null ? null : parseMediaType(disposition), contentType: type, offset, content }
  }

  async close (): Promise<void> { await this.#source.return?.() }

  async * #contents (): AsyncGenerator<Uint8Array, void, undefined> {
    while (!this.#atDelimiter) {
      const piece = await this.#content()
      if (piece != null) yield piece
      else if (!this.#atDelimiter) {
        if (this.#onTruncated === 'throw') throw new HttpError(500, 'unexpected EOF')
        return
      }
    }
  }

  /** The next bytes of the current part without copying; null at its end or at the end of everything. */
  async #content (): Promise<Buffer | null> {
    for (;;) {
      if (this.#atDelimiter) return null
      const { length, found } = this.#scan()
      if (length > 0) {
        const piece = this.#buffer.subarray(0, length)
        this.#buffer = this.#buffer.subarray(length)
        this.#atDelimiter = found
        return piece
      }
      if (found) this.#atDelimiter = true
      else if (!await this.#fill() && !this.#scan().found) {
        if (this.#buffer.length === 0) return null
        const rest = this.#buffer
        this.#buffer = nothing
        return rest
      }
    }
  }

  /** How many bytes of the buffer are surely content, and whether a delimiter follows them. */
  #scan (): { length: number, found: boolean } {
    const { length } = this.#delimiter
    for (let from = 0; ;) {
      const at = this.#buffer.indexOf(this.#delimiter, from)
      if (at < 0) return { length: this.#buffer.length - this.#partialDelimiter(), found: false }
      const verdict = this.#endsBoundary(at + length)
      if (verdict === 'yes') return { length: at, found: true }
      if (verdict === 'unknown') return { length: at, found: false }
      from = at + 1
    }
  }

  /** Whether a boundary really ends at this place: only blanks, a line break or two dashes may follow. */
  #endsBoundary (at: number): 'yes' | 'no' | 'unknown' {
    const [one, two] = [this.#buffer[at], this.#buffer[at + 1]]
    if (one == null) return this.#ended ? 'yes' : 'unknown'
    if (one === 32 || one === 9 || one === 13 || one === newline) return 'yes'
    if (one !== 45) return 'no'
    if (two == null) return this.#ended ? 'no' : 'unknown'
    return two === 45 ? 'yes' : 'no'
  }

  /** Length of the end of the buffer that may be the beginning of a delimiter. */
  #partialDelimiter (): number {
    const buffer = this.#buffer
    const first = this.#delimiter[0] ?? 0
    const start = Math.max(0, buffer.length - this.#delimiter.length + 1)
    for (let at = buffer.indexOf(first, start); at >= 0; at = buffer.indexOf(first, at + 1)) {
      const tail = buffer.length - at
      if (this.#delimiter.compare(buffer, at, buffer.length, 0, tail) === 0) return tail
    }
    return 0
  }

  async #beginsWithBoundary (): Promise<boolean> {
    while (this.#buffer.length < this.#dash.length + 2 && await this.#fill()) { /* until it can be told */ }
    return this.#startsWith(this.#dash) && this.#endsBoundary(this.#dash.length) === 'yes'
  }

  #startsWith (bytes: Buffer): boolean {
    return this.#buffer.length >= bytes.length && bytes.compare(this.#buffer, 0, bytes.length) === 0
  }

  async #headers (): Promise<Map<string, string>> {
    const headers = new Map<string, string>()
    let size = 0
    let last: string | undefined
    for (;;) {
      const line = await this.#line()
      if (line == null || !line.endsWith('\n')) throw endOfBody()
      size += line.length
      if (size > headerLimit) throw badRequest('multipart: message too large')
      const text = textOfBytes(Buffer.from(line, 'latin1')).replace(/\r?\n$/, '')
      if (text === '') return headers
      if (/^[ \t]/.test(text)) {
        if (last != null) headers.set(last, `${headers.get(last)} ${text.trim()}`)
        continue
      }
      const colon = text.indexOf(':')
      if (colon <= 0) throw badRequest(`malformed MIME header line: ${text.slice(0, 200)}`)
      last = text.slice(0, colon).trim().toLowerCase()
      if (!headers.has(last)) headers.set(last, text.slice(colon + 1).trim())
    }
  }

  #boundaryLine (line: string): 'next' | 'last' | null {
    const dash = this.#dash.toString('latin1')
    if (!line.startsWith(dash)) return null
    const rest = line.slice(dash.length)
    if (/^[ \t]*\r?\n$/.test(rest)) return 'next'
    return /^--[ \t]*(\r?\n)?$/.test(rest) ? 'last' : null
  }

  /** The next line with its break, byte for byte as latin1; without one at the end of the body. Null when nothing is left. */
  async #line (): Promise<string | null> {
    for (;;) {
      const at = this.#buffer.indexOf(newline, this.#searched)
      if (at >= 0) return this.#takeText(at + 1)
      this.#searched = this.#buffer.length
      if (this.#buffer.length > headerLimit) {
        if (this.#startsWith(this.#dash)) throw badRequest('multipart: message too large')
        this.#buffer = nothing // a line this long is no boundary
        this.#searched = 0
      }
      if (!await this.#fill()) return this.#buffer.length === 0 ? null : this.#takeText(this.#buffer.length)
    }
  }

  #takeText (length: number): string {
    const text = this.#buffer.toString('latin1', 0, length)
    this.#buffer = this.#buffer.subarray(length)
    this.#searched = 0
    return text
  }

  /** Gets more bytes; false at the end. */
  async #fill (): Promise<boolean> {
    if (this.#ended) return false
    const { done, value } = await this.#source.next()
    if (done === true) {
      this.#ended = true
      return false
    }
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    this.#received += bytes.length
    if (this.#buffer.length === 0) this.#buffer = bytes
    else this.#join(bytes)
    return true
  }

  /**
   * Puts bytes behind the buffer's: into the room that is there, else with room for as many more, so that each byte moves a few times at
   * most.
   */
  #join (bytes: Buffer): void {
    const { length } = this.#buffer
    const from = this.#buffer.byteOffset - this.#store.byteOffset
    const hasRoom = this.#buffer.buffer === this.#store.buffer && from >= 0 && from + length + bytes.length <= this.#store.length
    if (!hasRoom) {
      // not from Node's pool, which others write to
      this.#store = Buffer.allocUnsafeSlow(Math.max(length + bytes.length, 2 * length))
      this.#buffer.copy(this.#store)
      this.#buffer = this.#store.subarray(0, length)
    }
    const at = this.#buffer.byteOffset - this.#store.byteOffset
    bytes.copy(this.#store, at + length)
    this.#buffer = this.#store.subarray(at, at + length + bytes.length)
  }
}
