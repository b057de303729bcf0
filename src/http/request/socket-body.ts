import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import { giveBack, lend } from '../../base/lent-memory.ts'

/** Smaller bodies aren't worth it. Bytes. */
const leastBytes = 4 * 1024 * 1024
/** Memory that is read into; a piece is a part of it. Bytes. */
const slabBytes = 1024 * 1024
/** With less room than that the next memory is begun. Bytes. */
const leastRoom = 64 * 1024
/** What may wait for the reader. Bytes. */
const aheadBytes = 2 * 1024 * 1024

/** Memory that waits to be read into again. */
const spareSlabs = 3

/** What Node's sockets have inside. */
interface StreamHandle {
  reading: boolean
  readStart (): number
  readStop (): number
  useUserBuffer (buffer: Uint8Array): void
}

interface PlainSocket extends Socket {
  encrypted?: boolean
  parser?: { incoming?: IncomingMessage | null }
  server?: { requestTimeout?: number }
  _handle?: Partial<StreamHandle> | null
}

/** Whether a request says of itself that it has so much body that it is worth being read from its socket. */
export const hasLargeBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] == null && Number(headers['content-length'] ?? 0) >= leastBytes

/**
 * The body of a large request, read straight from its socket into large memory: Node's parser reads 64 KiB at a time and copies them, which
 * takes twice the processor time. As with the request's own iterator, there is back-pressure, and an error when the client goes away before
 * the end.
 *
 * The connection ends with the answer, because the parser hasn't seen the body. The request's own iterator is taken where that can't be:
 * TLS; no plain socket; a limit on the time of a request; when the answer has begun, or somebody has read already.
 */
export async function * largeBody (request: IncomingMessage, response: ServerResponse): AsyncGenerator<Buffer, void, undefined> {
  // the parser may be in the middle of what has come; it pushes that before the next turn
  await yieldToEventLoop()
  yield * takenOver(request, response) ?? request.iterator({ destroyOnReturn: false })
}

function takenOver (request: IncomingMessage, response: ServerResponse): SocketBody | undefined {
  const socket = request.socket as PlainSocket
  if (request.complete || request.readableDidRead || request.destroyed || response.headersSent) return undefined
  if (socket.encrypted === true || socket.parser?.incoming !== request || socket.server?.requestTimeout !== 0) return undefined
  const inside = insideOf(socket)
  if (inside == null) return undefined
  response.shouldKeepAlive = false
  return new SocketBody(request, { socket, bytes: Number(request.headers['content-length']), ...inside })
}

interface Inside { handle: StreamHandle, buffer: symbol, callback: symbol, next: symbol }

/** The places where a socket keeps the buffer that it was told to read into, and whom it calls (net.Socket's `onread`). */
function insideOf (socket: PlainSocket): Inside | undefined {
  const handle = socket._handle
  const symbols = Object.getOwnPropertySymbols(socket)
  const named = (name: string): symbol | undefined => symbols.find(({ description }) => description === name)
  const [buffer, callback, next] = [named('kBuffer'), named('kBufferCb'), named('kBufferGen')]
  if (handle == null || buffer == null || callback == null || next == null) return undefined
  return typeof handle.useUserBuffer === 'function' && typeof handle.readStart === 'function' && typeof handle.readStop === 'function'
    ? { handle: handle as StreamHandle, buffer, callback, next }
    : undefined
}

interface SocketBodyInit extends Inside { socket: PlainSocket, bytes: number }

class SocketBody implements AsyncIterable<Buffer> {
  readonly #request: IncomingMessage
  readonly #handle: StreamHandle
  /** Bytes that haven't come yet. */
  #left: number
  #pieces: Buffer[] = []
  #waitingBytes = 0
  readonly #spare: Buffer[] = []
  #slab = this.#memory()
  #at = 0
  #isDropping = false
  #junk: Buffer | undefined
  #failure: { err: unknown } | undefined
  #wake: (() => void) | undefined

  constructor (request: IncomingMessage, init: SocketBodyInit) {
    this.#request = request
    this.#handle = init.handle
    this.#left = init.bytes - request.readableLength
    this.#takeOver(init)
    const fail = (err: unknown): void => {
      this.#failure ??= { err }
      this.#wake?.()
    }
    request.on('error', fail)
    request.once('close', () => { if (this.#left > 0) fail(new Error('the client went away')) })
  }

  [Symbol.asyncIterator] (): this { return this }

  async next (): Promise<IteratorResult<Buffer, undefined>> {
    for (;;) {
      const piece = this.#pieces.shift()
      if (piece != null) {
        this.#waitingBytes -= piece.length
        if (!this.#handle.reading && this.#left > 0 && this.#waitingBytes < aheadBytes) this.#read()
        return { done: false, value: piece }
      }
      if (this.#failure != null) throw this.#failure.err
      if (this.#left === 0 || this.#isDropping) return { done: true, value: undefined }
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
  }

  /** Who answers before the end throws the rest away by `resume`. */
  async return (): Promise<IteratorResult<Buffer, undefined>> {
    if (!this.#isDropping && this.#left > 0) this.#request.once('resume', () => this.#read())
    this.#isDropping = true
    this.#pieces = []
    this.#waitingBytes = 0
    return { done: true, value: undefined }
  }

  #takeOver ({ socket, handle, buffer, callback, next }: SocketBodyInit): void {
    const request = this.#request
    // listening lets Node's parser go of the socket
    socket.on('data', () => {})
    socket.removeAllListeners('data')
    handle.readStop()
    request._read = () => {}
    const early = request.read() as Buffer | null
    if (early != null) this.#keep(early)
    // what waits here was not read by the handler yet: who looks for stalled uploads asks
    Object.defineProperty(request, 'readableLength', { get: () => this.#waitingBytes })
    handle.useUserBuffer(this.#slab)
    // the socket keeps the memory alive that it was told last
    Object.assign(socket, { [buffer]: this.#slab, [callback]: (count: number) => this.#took(count), [next]: () => this.#room() })
    this.#read()
  }

  #read (): void {
    this.#handle.reading = true
    this.#handle.readStart()
  }

  /** So many bytes lie where the socket was told to put them. False: no more for now. */
  #took (count: number): boolean {
    const own = Math.min(count, this.#left)
    this.#left -= own
    if (!this.#isDropping && own > 0) {
      this.#keep(this.#slab.subarray(this.#at, this.#at + own))
      this.#at += own
    }
    if (this.#left === 0) this.#complete()
    return this.#isDropping || this.#left === 0 || this.#waitingBytes < aheadBytes
  }

  /** Pieces that lie one behind the other become one. */
  #keep (piece: Buffer): void {
    const last = this.#pieces.at(-1)
    if (last?.buffer === piece.buffer && last.byteOffset + last.length === piece.byteOffset) {
      this.#pieces[this.#pieces.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + piece.length)
    } else this.#pieces.push(piece)
    this.#waitingBytes += piece.length
    this.#wake?.()
    this.#wake = undefined
  }

  /** Where the next bytes go. What nobody wants goes to one place again and again, which no piece is a part of. */
  #room (): Buffer {
    if (this.#isDropping || this.#left === 0) return this.#junk ??= Buffer.allocUnsafeSlow(leastRoom)
    if (this.#slab.length - this.#at < leastRoom) {
      giveBack(this.#slab.subarray(this.#at))
      this.#slab = this.#memory()
      this.#at = 0
    }
    return this.#slab.subarray(this.#at)
  }

  /** What readers gave back is read into again: memory that is made anew costs the kernel and the collector time. */
  #memory (): Buffer {
    const memory = this.#spare.pop() ?? Buffer.allocUnsafeSlow(slabBytes)
    lend(memory, again => { if (this.#spare.length < spareSlabs) this.#spare.push(again) })
    return memory
  }

  /** As the parser would say it. What else comes is no request that is answered. */
  #complete (): void {
    if (this.#request.complete) return
    this.#request.complete = true
    this.#request.push(null)
  }
}
