/**
 * How the client's requests travel. Implementations: `fetchTransport` (browsers, Deno, Bun, workers), `nodeTransport` (Node: trailers, unix
 * sockets, TLS options), `failover` (several peers, one after the other).
 */
export interface Transport {
  /**
   * Sends a request and resolves with the head of the answer, of whatever status. Rejects when no answer came: with an ApiError of status 0
   * when there is something better to say than the platform does, with the signal's reason when it aborted.
   */
  request (request: TransportRequest): Promise<TransportResponse>
}

/** One HTTP request, however it is sent: by `fetch`, by node:http, over a socket. */
export interface TransportRequest {
  method: 'GET' | 'POST' | 'DELETE'
  /** Path and query, starting with "/". */
  path: string
  headers: Readonly<Record<string, string>>
  /** Makes the body; called again for every attempt. */
  body?: () => RequestBody
  signal?: AbortSignal
}

/** A Blob where it is possible: browsers can't send streams over HTTP/1.1. */
export type RequestBody = Blob | AsyncIterable<Uint8Array>

/** The answer to it, once its headers are there. */
export interface TransportResponse {
  status: number
  /** The body. Ending the iteration early closes the connection. A body that is cut off makes it throw. */
  body: AsyncIterable<Uint8Array>
  /** Values of a trailer; asked for after the body has ended. Always empty where the platform hides trailers (browsers). */
  trailers (name: string): string[]
}
