import type { Transport, TransportRequest } from '../../src/client/transport.ts'

export interface ScriptedAnswer {
  status?: number
  body?: string
  /** Sent in these pieces instead of `body`. */
  chunks?: readonly string[]
  /** Thrown after the body. */
  cut?: Error
  streamErrors?: readonly string[]
}

/** A transport that gives prepared answers and remembers what it was asked ("GET /id"). */
export interface ScriptedTransport extends Transport { asked: string[], requests: TransportRequest[] }

/** `answers`: by "METHOD /path" without the query, or one for all; functions are called for each request. */
export function scriptedTransport (
  answers: Readonly<Record<string, ScriptedAnswer | (() => ScriptedAnswer)>> | ScriptedAnswer
): ScriptedTransport {
  const asked: string[] = []
  const requests: TransportRequest[] = []
  return {
    asked,
    requests,
    request: async request => {
      asked.push(`${request.method} ${request.path}`)
      requests.push(request)
      const found = (answers as Record<string, unknown>)[`${request.method} ${request.path.split('?')[0]}`] ?? answers
      const {
        status = 200, body = '', chunks = [body], cut, streamErrors = []
      } = (typeof found === 'function' ? found() : found) as ScriptedAnswer
      return { status, body: pieces(chunks, cut), trailers: name => name === 'x-stream-error' ? [...streamErrors] : [] }
    }
  }
}

async function * pieces (chunks: readonly string[], cut: Error | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) yield new TextEncoder().encode(chunk)
  if (cut != null) throw cut
}
