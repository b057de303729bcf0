import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { unreadable } from './error-dialect.ts'

/** How an API says that a request was refused before it was one of its own: 400, 405, 417 or 431. */
export type BrokenBody = (status: number, message: string) => { contentType: string, text: string }

/** Why a request is refused: the status line, and what an API of ours says. */
export interface Refusal { status: number, line: string, message: string }

const notReadable: Refusal = { status: 400, line: '400 Bad Request', message: unreadable }
const tooLarge: Refusal = { status: 431, line: '431 Request Header Fields Too Large', message: 'the headers are too large' }
/** `Expect` with anything but `100-continue`. */
export const notMet: Refusal = { status: 417, line: '417 Expectation Failed', message: 'the expectation of the request can not be met' }
/** `CONNECT`. */
export const noTunnel: Refusal = { status: 405, line: '405 Method Not Allowed', message: 'there is no way through this server to another one' }

/** What is wrong with the host that a request names, as Go's server sees it: one, of characters that a host may have. */
export function hostFault ({ rawHeaders, httpVersion }: IncomingMessage): Refusal | undefined {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue
    if (++hosts > 1) return notReadable
    if (!hostText.test(rawHeaders[at + 1] ?? '')) return badHost('malformed Host header')
  }
  return hosts === 0 && httpVersion === '1.1' ? badHost('missing required Host header') : undefined
}

const badHost = (message: string): Refusal => ({ status: 400, line: `400 Bad Request: ${message}`, message })

const hostText = /^[\w!$%&'()*+,\-.:;=[\]~]*$/

const bodyFor = ({ status, line, message }: Refusal, bodyOf: BrokenBody | undefined): ReturnType<BrokenBody> =>
  bodyOf?.(status, message) ?? { contentType: 'text/plain; charset=utf-8', text: line }

/** The whole answer, after which the connection ends. `bodyOf`: default plain text. */
export function refuse (response: ServerResponse, refusal: Refusal, bodyOf: BrokenBody | undefined): void {
  const { contentType, text } = bodyFor(refusal, bodyOf)
  response.sendDate = false
  response.writeHead(refusal.status, refusal.line.slice(4), { 'Content-Type': contentType, Connection: 'close' }).end(text)
}

/** What Node keeps of the answer that is under way on a connection. */
export interface Answering { _httpMessage?: { req?: IncomingMessage, headersSent?: boolean } | null }

/** On a bare connection, which ends with it. */
export function endWith (socket: Duplex, refusal: Refusal, bodyOf: BrokenBody | undefined, written?: () => void): void {
  const { contentType, text } = bodyFor(refusal, bodyOf)
  socket.end(`HTTP/1.1 ${refusal.line}\r\nContent-Type: ${contentType}\r\nConnection: close\r\n\r\n${text}`, written)
}

/** What Node's parser could not read. `last`: the request that came last; when its body breaks, and nothing of its answer is sent, this is the answer. */
export function answerBrokenRequest (
  err: NodeJS.ErrnoException, socket: Duplex, { bodyOf, last }: { bodyOf: BrokenBody | undefined, last: IncomingMessage | undefined }
): void {
  const isSlow = err.code === 'ERR_HTTP_REQUEST_TIMEOUT' || err.code === 'ECONNRESET'
  const answering = (socket as Answering)._httpMessage
  const isAnswered = answering != null && (answering.headersSent !== false || answering.req !== last)
  if (isSlow || !socket.writable || isAnswered) {
    socket.destroy()
    return
  }
  endWith(socket, err.code === 'HPE_HEADER_OVERFLOW' ? tooLarge : notReadable, bodyOf, () => { if (answering != null) socket.destroy() })
}
