import type { Readable } from 'node:stream'
import { latin1 } from '../../base/text/latin1.ts'

/** Header names in Go's canonical form ("X-Chunked-Output"); a name may come twice. */
export type HeaderList = ReadonlyArray<readonly [name: string, value: string]>

/** "x-chunked-output" → "X-Chunked-Output", as Go's http.CanonicalHeaderKey. */
export const canonicalHeader = (name: string): string => name.toLowerCase().replace(/(^|-)[a-z]/g, found => found.toUpperCase())

/** Headers as a configuration has them, name to values. Their bytes are those of UTF-8, as Go's: Node writes a byte for each character. */
export const headerList = (headers: Readonly<Record<string, readonly string[]>>): HeaderList =>
  Object.entries(headers).flatMap(([name, values]) => values.map(value => [canonicalHeader(name), latin1(Buffer.from(value))] as const))

/** A whole body. Up to 2048 bytes it goes with Content-Length, beyond that chunked, as Go's server does. */
export interface TextReply {
  kind: 'text'
  status: number
  contentType: string | null
  body: string | Uint8Array
  headers?: HeaderList
}

/**
 * A stream of lines with the trailer X-Stream-Error. The source gives text of any length that ends with a newline (bytes pass through
 * unchanged); small pieces are gathered into writes of about 64 KiB, but nothing waits while the source is idle.
 *
 * `list`: the status waits for the first piece: nothing is 204, an error before it is 500; at the end the trailer is sent empty.
 * `progress`: always 200; a trailer comes only with an error. An AggregateError gives several trailer lines, the first one empty.
 * Clients that hide trailers (`hidesTrailers`) see the connection break instead, or a status when nothing has gone out yet.
 */
export interface LinesReply {
  kind: 'lines'
  style: 'list' | 'progress'
  source: AsyncIterable<string | Uint8Array>
  /** JSON unless said otherwise. */
  contentType?: string
  headers?: HeaderList
  /** Told when the kernel has a piece of bytes, or never will: its memory is free. */
  onWritten?: (piece: Uint8Array) => void
}

/** Somebody else's body, passed through. */
export interface RawReply {
  kind: 'raw'
  status: number
  headers: HeaderList
  body: Readable
}

/** What a handler gives back; the server writes it. */
export type Reply = TextReply | LinesReply | RawReply

/** JSON without a charset, as Go's servers send it. */
export const jsonType = 'application/json'

/** JSON text that is already made; the newline is added. */
export function jsonReply (json: string, status = 200, headers?: HeaderList): TextReply {
  return { kind: 'text', status, contentType: jsonType, body: `${json}\n`, ...(headers == null ? {} : { headers }) }
}

/** No content. Go's API sends the JSON type even so. */
export function emptyReply (status = 204): TextReply {
  return { kind: 'text', status, contentType: jsonType, body: '' }
}

/** A JSON list that is written while it is made. */
export const listReply = (source: AsyncIterable<string | Uint8Array>, headers?: HeaderList): LinesReply =>
  ({ kind: 'lines', style: 'list', source, ...(headers == null ? {} : { headers }) })
