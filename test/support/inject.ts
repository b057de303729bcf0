import type { Duplex } from 'node:stream'
import { duplexPair } from 'node:stream'
import type { HttpServer } from '../../src/http/server.ts'

export interface InjectRequest {
  method?: string
  /** Sent as it is. */
  path: string
  headers?: ReadonlyArray<readonly [string, string]>
  body?: string | Uint8Array
  /** When it aborts, the client goes away. */
  signal?: AbortSignal
}

/** A reply as it was on the wire. */
export interface InjectReply {
  status: number
  headers: Array<[string, string]>
  framing: 'content-length' | 'chunked' | 'no-body' | 'until-close'
  body: Buffer
  chunkLengths: number[]
  trailers: Array<[string, string]>
}

/**
 * Runs one request through the whole stack of a server, byte for byte, without a socket. Rejects when the connection ends without a whole
 * reply.
 */
export async function inject (
  server: Pick<HttpServer, 'accept'>, { method = 'GET', path, headers = [], body, signal }: InjectRequest
): Promise<InjectReply> {
  const [client, connection] = duplexPair()
  server.accept(connection)
  const bytes = body == null ? undefined : Buffer.from(body as string)
  const known = new Set(headers.map(([name]) => name.toLowerCase()))
  const lines = [['Host', 'inject'], ...headers]
  if (bytes != null && !known.has('content-length') && !known.has('transfer-encoding')) lines.push(['Content-Length', String(bytes.length)])
  client.write(`${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`, 'utf8')
  if (bytes != null) client.write(bytes)
  const leave = (): void => { client.destroy() }
  signal?.addEventListener('abort', leave, { once: true })
  try {
    return await readReply(client, method)
  } finally {
    signal?.removeEventListener('abort', leave)
    client.destroy()
    connection.destroy()
  }
}

async function readReply (client: Duplex, method: string): Promise<InjectReply> {
  let seen: Buffer = Buffer.alloc(0)
  for await (const part of client) {
    seen = Buffer.concat([seen, part as Buffer])
    const reply = tryParse(seen, method)
    if (reply != null && reply.framing !== 'until-close') return reply
  }
  return parseReply(seen, method)
}

function tryParse (bytes: Buffer, method: string): InjectReply | undefined {
  try {
    return parseReply(bytes, method)
  } catch {
    return undefined // the rest is still to come
  }
}

/** Reads a complete reply. Throws when it is broken or cut. */
export function parseReply (bytes: Buffer, method = 'GET'): InjectReply {
  const end = bytes.indexOf('\r\n\r\n')
  const head = bytes.toString('latin1', 0, end).split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head[0] ?? '')?.[1] ?? NaN)
  if (end < 0 || Number.isNaN(status)) throw new Error(`not a reply: ${bytes.toString('latin1', 0, 100)}`)
  if (status === 100) return parseReply(bytes.subarray(end + 4), method)
  const headers = head.slice(1).map(split)
  const rest = bytes.subarray(end + 4)
  const find = (name: string): string | undefined => headers.find(([one]) => one.toLowerCase() === name)?.[1]
  const reply = { status, headers, chunkLengths: [], trailers: [] }
  if (method === 'HEAD' || status === 204 || status === 304) return { ...reply, framing: 'no-body', body: rest }
  if (find('transfer-encoding') === 'chunked') return { ...reply, framing: 'chunked', ...dechunk(rest) }
  const length = find('content-length')
  if (length == null) return { ...reply, framing: 'until-close', body: rest }
  if (rest.length !== Number(length)) throw new Error(`Content-Length is ${length}, ${rest.length} bytes came`)
  return { ...reply, framing: 'content-length', body: rest }
}

function dechunk (bytes: Buffer): { body: Buffer, chunkLengths: number[], trailers: Array<[string, string]> } {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const line = bytes.indexOf('\r\n', at)
    const length = parseInt(bytes.toString('latin1', at, line), 16)
    if (line < 0 || Number.isNaN(length)) throw new Error('the reply ends before its last chunk')
    at = line + 2
    if (length === 0) {
      if (bytes.length < at + 2 || bytes.toString('latin1', bytes.length - 2) !== '\r\n') throw new Error('the reply ends in its trailers')
      const trailers = bytes.toString('utf8', at).split('\r\n').filter(one => one !== '').map(split)
      return { body: Buffer.concat(parts), chunkLengths: parts.map(part => part.length), trailers }
    }
    if (bytes.length < at + length + 2) throw new Error('the reply ends inside a chunk')
    parts.push(bytes.subarray(at, at + length))
    at += length + 2
  }
}

function split (line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}
