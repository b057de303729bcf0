import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import { giveBack, lend } from '../../base/lent-memory.ts'
import type { BodyFraming } from './body-framing.ts'
import { lengthFraming } from './body-framing.ts'
import type { ParserClass } from './chunk-parser.ts'
import { parserClassOf } from './chunk-parser.ts'

/** Smaller bodies aren't worth it. Bytes. */
const leastBytes = 4 * 1024 * 1024
/** Memory that is read into; a piece is a part of it. Bytes. */
const slabBytes = 1024 * 1024
/** With less room than that the next memory is begun. Bytes. */
const leastRoom = 64 * 1024
/** More bodies at a time are read by Node's parser: each of these may hold some MiB. */
const mostSocketBodies = 16
/** What may wait for the reader of one body. Bytes. */
const aheadBytes = 2 * 1024 * 1024
/** What may wait for the readers of all bodies, who have equal parts of it. Bytes. */
const allAheadBytes = 8 * 1024 * 1024
/** Shorter runs of content are moved, so that they lie one behind the other: a piece for each costs more. Bytes. */
const movedBytes = 64 * 1024
/** Memory that waits to be read into again, by any body; none when there is no body. */
const mostSpareSlabs = 4

/** What Node's sockets have inside. */
interface StreamHandle {
  reading: boolean
  readStart (): number
  readStop (): number
  useUserBuffer (buffer: Uint8Array): void
}

interface PlainSocket extends Socket {
  encrypted?: boolean
  parser?: { incoming?: IncomingMessage | null, getCurrentBuffer?: () => Buffer } | null
  server?: { requestTimeout?: number, maxHeaderSize?: number, emit (event: 'clientError', err: Error, socket: Socket): boolean }
  _handle?: Partial<StreamHandle> | null
}

/** What Node keeps of an answer: whether its connection ends with it. */
interface Ending extends ServerResponse { _last?: boolean }

/** Whether a request says of itself that it has so much body that it is worth being read from its socket. */
export const hasLargeBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] == null && Number(headers['content-length'] ?? 0) >= leastBytes

/**
 * The body of a large request, read straight from its socket into large memory: Node's parser reads 64 KiB at a time and copies them, which
 * takes twice the processor time. As with the request's own iterator, there is back-pressure, and an error when the client goes away before
 * the end.
 *
 * The connection ends with the answer, because the parser hasn't seen the body. The request's own iterator is taken where that can't be:
 * TLS; no plain socket; enough others; a limit on the time of a request; when the answer has begun, or somebody has read already.
 */
export async function * largeBody (request: IncomingMessage, response: ServerResponse): AsyncGenerator<Buffer, void, undefined> {
  // the parser may be in the middle of what has come; it pushes that before the next turn
  await yieldToEventLoop()
  const inside = request.readableDidRead ? undefined : insideOf(request, response)
  if (inside == null) yield * request.iterator({ destroyOnReturn: false })
  else {
    const left = Number(request.headers['content-length']) - request.readableLength
    letGo({ request, response }, inside)
    yield * new SocketBody(request, inside, lengthFraming(left))
  }
}

/** What a socket has inside, for who reads in place of Node's parser. */
export interface Inside { socket: PlainSocket, handle: StreamHandle, Parser: ParserClass, buffer: symbol, callback: symbol, next: symbol }

/**
 * The places where a request's socket keeps the buffer that it was told to read into, and whom it calls (net.Socket's `onread`). Undefined:
 * the rest of the body can't be read from there, or enough others are.
 */
export function insideOf (request: IncomingMessage, response: ServerResponse): Inside | undefined {
  const socket = request.socket as PlainSocket
  if (SocketBody.underWay >= mostSocketBodies) return undefined
  if (request.complete || request.destroyed || (response.headersSent && (response as Ending)._last !== true)) return undefined
  if (socket.encrypted === true || socket.parser?.incoming !== request || socket.server?.requestTimeout !== 0) return undefined
  const handle = socket._handle
  const symbols = Object.getOwnPropertySymbols(socket)
  const named = (name: string): symbol | undefined => symbols.find(({ description }) => description === name)
  const [buffer, callback, next] = [named('kBuffer'), named('kBufferCb'), named('kBufferGen')]
  const Parser = parserClassOf(socket.parser)
  if (handle == null || buffer == null || callback == null || next == null || Parser == null) return undefined
  return typeof handle.useUserBuffer === 'function' && typeof handle.readStart === 'function' && typeof handle.readStop === 'function'
    ? { socket, handle: handle as StreamHandle, Parser, buffer, callback, next }
    : undefined
}

/** Node's parser gets nothing more of a request's socket, and nothing is read from that: its connection ends with the answer. */
export function letGo ({ request, response }: { request: IncomingMessage, response: ServerResponse }, { socket, handle }: Inside): void {
  response.shouldKeepAlive = false
  // listening lets the parser go of the socket
  socket.on('data', () => {})
  socket.removeAllListeners('data')
  handle.readStop()
  request._read = () => {}
}

/**
 * The rest of the body of a request of which Node's parser has let go, as far as `framing` has come. What the request holds is given first.
 */
export class SocketBody implements AsyncIterable<Buffer> {
  /** Of this process: those whose connections haven't ended. */
  static underWay = 0
  static #spareSlabs: Buffer[] = []
  readonly #request: IncomingMessage
  readonly #inside: Inside
  readonly #framing: BodyFraming
  #pieces: Buffer[] = []
  #waitingBytes = 0
  #slab = this.#memory()
  /** Behind the last piece of the slab. */
  #at = 0
  /** Where the socket reads into: the rest of the slab, or what nobody looks at. */
  #target = this.#slab
  #junk: Buffer | undefined
  #isDropping = false
  /** The end was seen, or a fault. */
  #isOver = false
  #failure: { err: unknown } | undefined
  #wake: (() => void) | undefined

  constructor (request: IncomingMessage, inside: Inside, framing: BodyFraming) {
    this.#request = request
    this.#inside = inside
    this.#framing = framing
    this.#takeOver()
    const fail = (err: unknown): void => {
      this.#failure ??= { err }
      this.#wake?.()
    }
    request.on('error', fail)
    request.once('close', () => { if (!this.#framing.isDone) fail(new Error('the client went away')) })
    this.#count()
  }

  [Symbol.asyncIterator] (): this { return this }

  async next (): Promise<IteratorResult<Buffer, undefined>> {
    for (;;) {
      const piece = this.#pieces.shift()
      if (piece != null) {
        this.#waitingBytes -= piece.length
        if (!this.#inside.handle.reading && !this.#isOver && this.#wantsMore) this.#read()
        return { done: false, value: piece }
      }
      if (this.#failure != null) throw this.#failure.err
      if (this.#framing.isDone || this.#isDropping) return { done: true, value: undefined }
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
  }

  /** Who answers before the end throws the rest away by `resume`. */
  async return (): Promise<IteratorResult<Buffer, undefined>> {
    if (!this.#isDropping && !this.#isOver) this.#request.once('resume', () => this.#read())
    this.#isDropping = true
    this.#pieces = []
    this.#waitingBytes = 0
    return { done: true, value: undefined }
  }

  #count (): void {
    const { socket } = this.#inside
    if (socket.closed) return
    SocketBody.underWay++
    socket.once('close', () => {
      SocketBody.underWay--
      if (SocketBody.underWay === 0) SocketBody.#spareSlabs = []
    })
  }

  #takeOver (): void {
    const request = this.#request
    const { socket, handle, buffer, callback, next } = this.#inside
    const early = request.read() as Buffer | null
    if (early != null) this.#keep(early)
    // what waits here was not read by the handler yet: who looks for stalled uploads asks
    Object.defineProperty(request, 'readableLength', { get: () => this.#waitingBytes })
    handle.useUserBuffer(this.#slab)
    // the socket keeps the memory alive that it was told last
    Object.assign(socket, {
      [buffer]: this.#slab,
      [callback]: (count: number) => this.#took(count),
      [next]: () => this.#target = this.#room()
    })
    this.#read()
  }

  #read (): void {
    this.#inside.handle.reading = true
    this.#inside.handle.readStart()
  }

  /** So many bytes lie where the socket was told to put them. False: no more for now. */
  #took (count: number): boolean {
    if (this.#isOver) return true
    const begin = this.#at
    const err = this.#framing.take(this.#target.subarray(0, count), {
      run: (from, to) => { if (!this.#isDropping) this.#place(begin + from, begin + to) },
      piece: bytes => { if (!this.#isDropping) this.#keep(bytes) }
    })
    if (err != null) this.#refuse(err)
    else if (this.#framing.isDone) this.#complete()
    return this.#isDropping || this.#isOver || this.#wantsMore
  }

  get #wantsMore (): boolean { return this.#waitingBytes < Math.min(aheadBytes, allAheadBytes / SocketBody.underWay) }

  /** Content lies there in the slab. */
  #place (from: number, to: number): void {
    const length = to - from
    if (from > this.#at && length < movedBytes) this.#slab.copyWithin(this.#at, from, to)
    else if (from > this.#at) {
      giveBack(this.#slab.subarray(this.#at, from))
      this.#at = from
    }
    this.#keep(this.#slab.subarray(this.#at, this.#at + length))
    this.#at += length
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
    if (this.#isDropping || this.#isOver) return this.#junk ??= Buffer.allocUnsafeSlow(leastRoom)
    if (this.#slab.length - this.#at < leastRoom) {
      giveBack(this.#slab.subarray(this.#at))
      this.#slab = this.#memory()
      this.#at = 0
    }
    return this.#slab.subarray(this.#at)
  }

  /** What readers gave back is read into again: memory that is made anew costs the kernel and the collector time. */
  #memory (): Buffer {
    const memory = SocketBody.#spareSlabs.pop() ?? Buffer.allocUnsafeSlow(slabBytes)
    lend(memory, again => {
      if (SocketBody.underWay > 0 && SocketBody.#spareSlabs.length < mostSpareSlabs) SocketBody.#spareSlabs.push(again)
    })
    return memory
  }

  /** As the parser would say it. What else comes is no request that is answered. */
  #complete (): void {
    this.#isOver = true
    this.#request.complete = true
    this.#request.push(null)
  }

  /** As the parser would do it: the server answers and closes, which is the reader's error. */
  #refuse (err: Error): void {
    this.#isOver = true
    const { socket } = this.#inside
    socket.server?.emit('clientError', err, socket)
  }
}
