import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../base/clock.ts'
import type { RequestContext } from '../request-context.ts'
import type { HeaderList, RawReply, TextReply } from './reply.ts'

/** Go's server gathers this many bytes before it decides for chunks. */
const wholeBodyBytes = 2048

/** How the receiver knows where the body ends. `none`: there is no body. */
export type Framing = { length: number } | 'chunked' | 'none'

/** Writes head and body of a reply: with Content-Length up to 2048 bytes, chunked above, nothing for 204, 304 and HEAD. */
export function sendText (context: RequestContext, reply: TextReply, clock: Clock): void {
  const { response } = context
  const length = typeof reply.body === 'string' ? Buffer.byteLength(reply.body) : reply.body.length
  const bodyless = reply.status === 204 || reply.status === 304 || context.method === 'HEAD'
  const framing = bodyless ? 'none' : length > wholeBodyBytes ? 'chunked' : { length }
  const headers: Array<readonly [string, string]> = [...context.answerHeaders, ...reply.headers ?? []]
  if (reply.contentType != null) headers.push(['Content-Type', reply.contentType])
  writeHead(context, { status: reply.status, headers, framing }, clock)
  if (bodyless) response.end()
  else {
    context.bytesSent += length
    // what is ASCII needn't be looked through again to be encoded
    if (typeof reply.body === 'string') response.end(reply.body, length === reply.body.length ? 'latin1' : 'utf8')
    else response.end(reply.body)
  }
}

/** Passes somebody else's answer through, headers in their order. Resolves when it is written or the client is gone; never rejects. */
export async function sendRaw (context: RequestContext, reply: RawReply): Promise<void> {
  const { response } = context
  response.writeHead(reply.status, reply.headers.flat())
  reply.body.on('data', (chunk: Buffer) => { context.bytesSent += chunk.length })
  await pipeline(reply.body, response).catch(() => response.destroy())
}

/** What goes before the body. */
export interface Head { status: number, headers: HeaderList, framing: Framing }

/** Stores the head as Go writes it: names sorted, then Date, then the framing; no `Connection` unless it closes. */
export function writeHead (context: RequestContext, { status, headers, framing }: Head, clock: Clock): void {
  const { response, request } = context
  const flat: string[] = []
  let trailer: string | undefined
  for (const [name, value] of sortedByName(headers)) {
    if (name === 'Trailer' && framing !== 'chunked') trailer = value
    else flat.push(name, value)
  }
  flat.push('Date', httpDate(clock.now()))
  if (typeof framing === 'object') flat.push('Content-Length', String(framing.length))
  if (isHttp11(context) && endsConnection(context) && !flat.includes('Connection')) flat.push('Connection', 'close')
  if (framing === 'chunked' && isHttp11(context)) flat.push('Transfer-Encoding', 'chunked')
  if (isHttp11(context)) response.removeHeader('connection')
  response.writeHead(status, flat)
  if (trailer != null) announceTrailer(response, trailer)
  if (!request.complete && endsConnection(context)) lingerBeforeClose(context, clock)
}

/** Those of one name stay in their order. They are few: V8's own sort makes lists beside the list. */
function sortedByName (headers: HeaderList): HeaderList {
  const sorted: Array<HeaderList[number]> = []
  for (const header of headers) {
    let place = sorted.length
    while (place > 0 && (sorted[place - 1]?.[0] ?? '') > header[0]) place--
    if (place === sorted.length) sorted.push(header)
    else sorted.splice(place, 0, header)
  }
  return sorted
}

/** The client wants it, a handler does, or too much of the request is unread. */
const endsConnection = (context: RequestContext): boolean => !context.response.shouldKeepAlive || closesEarly(context)

/** Whether the client speaks HTTP/1.1, and so knows chunks and trailers. */
export const isHttp11 = ({ request }: RequestContext): boolean => request.httpVersionMajor > 1 || request.httpVersionMinor >= 1

/** Go announces the trailer on a 204, too; Node refuses to, so the line is put into the head that it has stored. */
function announceTrailer (response: ServerResponse, value: string): void {
  const stored = response as unknown as { _header: string }
  stored._header = stored._header.replace(/^(Vary|Www-Authenticate|X-|Date)/m, `Trailer: ${value}\r\n$1`)
}

let dateSecond = -1
let dateText = ''

/** The Date header; made once a second. */
function httpDate (now: number): string {
  const second = Math.floor(now / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = new Date(second * 1000).toUTCString()
  }
  return dateText
}

/** Resolves once the client has caught up with what was written, or is gone. */
export async function drained (response: ServerResponse): Promise<void> {
  if (response.destroyed || !response.writableNeedDrain) return
  await new Promise<void>(resolve => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}

/**
 * Whether the client is a program's `fetch` (of a browser, of Node): these say so themselves, and nobody behind them sees a trailer. They
 * would take half an answer for all of it.
 */
export const hidesTrailers = ({ headers }: Pick<RequestContext, 'headers'>): boolean => headers['sec-fetch-mode'] != null

/** Ends a chunked answer so that the client knows that it isn't whole: what was written goes out, the last chunk doesn't. */
export function breakOff ({ response }: Pick<RequestContext, 'response'>): void { response.socket?.end() }

/** What Go's server still reads of an unread body to keep the connection; beyond that it closes. */
const readOnBytes = 256 * 1024
const lingerMs = 500

/** True when the answer comes before the end of a body that is too long to read on: the connection ends with this answer. */
function closesEarly ({ request }: RequestContext): boolean {
  if (request.complete || request.method === 'GET' || request.method === 'HEAD') return false
  const declared = request.headers['content-length']
  return declared == null ? request.headers['transfer-encoding'] != null : Number(declared) > readOnBytes
}

/**
 * Lets the client read an answer that came before the end of its upload: closing a socket with unread bytes in it would reset the
 * connection and the answer be lost. So our side ends first, and what still comes is thrown away for half a second.
 */
function lingerBeforeClose ({ request, response }: RequestContext, clock: Clock): void {
  const { socket } = request
  if (socket.destroyed || typeof socket.destroySoon !== 'function') return
  socket.destroySoon = () => {
    if (request.complete) {
      socket.end(() => socket.destroy())
      return
    }
    socket.end()
    if (!request.destroyed) request.resume()
    const cancel = clock.after(lingerMs, () => socket.destroy())
    socket.once('close', cancel)
    request.once('end', () => socket.destroy())
  }
  response.once('error', () => socket.destroy())
}
