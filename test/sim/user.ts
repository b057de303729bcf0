import { errorCodes, isClusterError } from '../../src/base/errors.ts'
import { ApiError, ClusterClient } from '../../src/client/client.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../src/client/transport.ts'
import type { HttpServer } from '../../src/http/server.ts'
import { inject } from '../support/inject.ts'

/** The REST API of a running peer, as a user's program has it: the whole way of a request, but no socket. */
export const userOf = (api: Pick<HttpServer, 'accept'>): ClusterClient => new ClusterClient({ transport: withoutSocket(api) })

function withoutSocket (api: Pick<HttpServer, 'accept'>): Transport {
  return { request: async request => asked(api, request) }
}

async function asked (
  api: Pick<HttpServer, 'accept'>, { method, path, headers, body, signal }: TransportRequest
): Promise<TransportResponse> {
  signal?.throwIfAborted()
  const sent = body == null ? {} : { body: await bytesOf(body()) }
  const reply = await inject(api, { method, path, headers: Object.entries(headers), ...sent, ...(signal == null ? {} : { signal }) })
    .catch(err => { throw signal?.aborted === true ? signal.reason : new ApiError(0, 'the connection ended', { cause: err }) })
  return {
    status: reply.status,
    body: (async function * () { if (reply.body.length > 0) yield reply.body })(),
    trailers: name => reply.trailers.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value).filter(text => text !== '')
  }
}

async function bytesOf (body: Blob | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  if (body instanceof Blob) return new Uint8Array(await body.arrayBuffer())
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The peer has ended in the middle of the answer. */
export const isCutOff = (err: unknown): boolean => err instanceof ApiError && err.status === 0

/** A peer said no, and in words: not that it has a fault, nor that the request makes no sense. */
export const isRefusal = (err: unknown): boolean =>
  err instanceof ApiError
    ? [404, 500].includes(err.status) && err.message !== errorCodes.INTERNAL
    : refusals.some(code => isClusterError(err, code))

/** What the use cases say instead of "done". */
const refusals = [
  'NOT_ENOUGH_PEERS', 'PIN_REFUSED', 'NOT_PINNED', 'NOT_READY', 'STORAGE_FULL', 'FOLLOWER_MODE', 'IPFS_ERROR', 'IPFS_UNAVAILABLE'
] as const
