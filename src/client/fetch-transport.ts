import type { Transport, TransportResponse } from './transport.ts'
import { chunksOfStream, streamOfChunks } from './web-streams.ts'

export interface FetchTransportInit {
  /** Such as "http://127.0.0.1:9094"; may have a path. */
  url: string
  /** Default: the platform's. */
  fetch?: typeof fetch
}

/**
 * Requests by `fetch`. Trailers are hidden from it, so what fails in the middle of a list stays unseen; streamed uploads need a platform
 * that has them (Node has; browsers over HTTP/2 have, some), Blobs work everywhere.
 */
export function fetchTransport ({ url, fetch = globalThis.fetch }: FetchTransportInit): Transport {
  const base = url.replace(/\/+$/, '')
  return {
    request: async ({ method, path, headers, body, signal }) => {
      const content = body?.()
      const response = await fetch(base + path, {
        method,
        headers,
        ...(content == null ? {} : content instanceof Blob ? { body: content } : { body: streamOfChunks(content), duplex: 'half' }),
        ...(signal == null ? {} : { signal })
      } as RequestInit)
      return answerOf(response)
    }
  }
}

function answerOf (response: Response): TransportResponse {
  return { status: response.status, body: chunksOfStream(response.body), trailers: () => [] }
}
