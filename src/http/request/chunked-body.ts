import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { chunkedFraming } from './body-framing.ts'
import { ChunkFraming } from './chunk-framing.ts'
import type { Inside } from './socket-body.ts'
import { SocketBody, insideOf, letGo } from './socket-body.ts'

/** Who has sent so much goes on for long; who sends less keeps its connection. Bytes. */
const longBytes = 1024 * 1024
/** What a server takes of headers, and of trailers, when it doesn't say. Bytes. */
const usualHeaderBytes = 16 * 1024

/**
 * The body of a request that comes in chunks. As long as it is short Node's parser reads it; a long one is read straight from its socket as
 * soon as that is known, as `largeBody`. Undefined: it came together with the head, or can't be read but by the parser (see `insideOf`; and
 * when this is not called while the request is being announced).
 */
export function chunkedBody (request: IncomingMessage, response: ServerResponse): AsyncGenerator<Buffer, void, undefined> | undefined {
  if (request.headers['transfer-encoding'] !== 'chunked' || request.readableDidRead) return undefined
  const begun = behindHead(request, insideOf(request, response)?.socket.parser?.getCurrentBuffer?.())
  if (begun == null) return undefined
  const watch = new ChunkWatch({ request, response })
  if (!watch.see(begun)) return undefined
  watch.begin()
  return watch.body()
}

/** What came in the same read behind the head of this request; undefined when that read has other things in it. */
function behindHead (request: IncomingMessage, bytes: Buffer | undefined): Buffer | undefined {
  const end = bytes?.indexOf('\r\n\r\n') ?? -1
  if (bytes == null || end < 0) return undefined
  const [line, ...headers] = bytes.toString('latin1', 0, end).split('\r\n')
  const isHead = line === `${request.method} ${request.url} HTTP/1.1` && headers.length * 2 === request.rawHeaders.length &&
    headers.every((header, at) => isHeader(header, request.rawHeaders[at * 2], request.rawHeaders[at * 2 + 1]))
  return isHead ? bytes.subarray(end + 4) : undefined
}

function isHeader (text: string, name = '', value = ''): boolean {
  return text.startsWith(`${name}:`) && text.slice(name.length + 1).trim() === value
}

/** Goes along with Node's parser until it is known that a body is long. */
class ChunkWatch {
  readonly #call: { request: IncomingMessage, response: ServerResponse }
  readonly #socket: Socket
  readonly #framing = new ChunkFraming()
  #seenBytes = 0
  #contentBytes = 0
  /** What the reader has got by the parser. */
  #readBytes = 0
  #isReading = false
  /** The parser is out. */
  #inside: Inside | undefined
  readonly #onData = (bytes: Buffer): void => {
    if (!this.see(bytes)) this.#stop()
    else if (this.#seenBytes >= longBytes) this.#takeOver()
  }

  constructor (call: { request: IncomingMessage, response: ServerResponse }) {
    this.#call = call
    this.#socket = call.request.socket
  }

  /** What came behind the head. False: the body has ended, or goes on with something that only the parser reads. */
  see (bytes: Buffer): boolean {
    this.#seenBytes += bytes.length
    this.#framing.take(bytes, (from, to) => { this.#contentBytes += to - from })
    return !this.#framing.isDone && !this.#framing.isUnusual
  }

  /** Sees each read from now on, after the parser. */
  begin (): void { this.#socket.on('data', this.#onData) }

  async * body (): AsyncGenerator<Buffer, void, undefined> {
    const { request } = this.#call
    this.#isReading = true
    try {
      for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        this.#readBytes += piece.length
        yield piece
        if (this.#inside != null) break
      }
      if (this.#inside != null) yield * this.#rest(this.#inside)
    } finally {
      this.#stop()
      // the reader left in between: what still comes is thrown away
      if (this.#inside != null && !request.destroyed) await this.#rest(this.#inside).return()
    }
  }

  #rest (inside: Inside): SocketBody {
    this.#inside = undefined
    const maxHeaderBytes = inside.socket.server?.maxHeaderSize ?? usualHeaderBytes
    return new SocketBody(this.#call.request, inside, chunkedFraming(this.#framing, { Parser: inside.Parser, maxHeaderBytes }))
  }

  #stop (): void { this.#socket.off('data', this.#onData) }

  /**
   * From the next read on. What the parser has given and nobody has read yet makes the reader look; without it, later. It must be as much
   * as was seen here.
   */
  #takeOver (): void {
    const { request, response } = this.#call
    const waiting = request.readableLength
    if (waiting === 0 || !this.#isReading) return
    this.#stop()
    if (this.#readBytes + waiting !== this.#contentBytes) return
    this.#inside = insideOf(request, response)
    if (this.#inside != null) letGo(this.#call, this.#inside)
  }
}
