import { LineCutter } from '../base/text/line-cutter.ts'
import { ApiError, errorOfBody } from './errors.ts'
import type { TransportResponse } from './transport.ts'

/** Reads a whole body as text. Throws ApiError with the answer's status when it is cut off. */
export async function textOf ({ status, body }: TransportResponse): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of body) text += decoder.decode(chunk, { stream: true })
  } catch (err) {
    throw new ApiError(status, messageOfCut(err), { cause: err })
  }
  return text + decoder.decode()
}

/** For an answer of 400 or more reads its body and throws an `ApiError` with its status and words. */
export async function throwIfRefused (response: TransportResponse): Promise<void> {
  if (response.status >= 400) throw errorOfBody(response.status, await textOf(response))
}

/**
 * The JSON objects of a streamed answer, one per line, as they arrive. Throws ApiError at the end when the trailer X-Stream-Error says what
 * failed (status 500), and when the stream is cut off.
 */
export async function * streamOf<Item> (response: TransportResponse): AsyncGenerator<Item, void, undefined> {
  await throwIfRefused(response)
  if (response.status !== 200 && response.status !== 204) {
    for await (const _ of response.body) break // closes it
    throw new ApiError(response.status, 'expected streaming response with code 200/204')
  }
  for await (const line of linesOf(response)) yield parseLine<Item>(line, response.status)
  const failures = response.trailers('x-stream-error').filter(text => text !== '')
  if (failures.length > 0) throw new ApiError(500, failures.join('; '))
}

async function * linesOf ({ status, body }: TransportResponse): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  const cutter = new LineCutter()
  const chunks = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await chunks.next().catch(err => { throw new ApiError(status, messageOfCut(err), { cause: err }) })
      if (done === true) break
      for (const line of cutter.push(decoder.decode(value, { stream: true }))) if (line !== '') yield line
    }
  } finally {
    await chunks.return?.()
  }
  const rest = cutter.end() + decoder.decode()
  if (rest.trim() !== '') yield rest
}

function parseLine<Item> (line: string, status: number): Item {
  try {
    return JSON.parse(line) as Item
  } catch (err) {
    throw new ApiError(status, `the answer is not JSON: ${line.slice(0, 200)}`, { cause: err })
  }
}

const messageOfCut = (err: unknown): string => err instanceof ApiError ? err.message : 'unexpected EOF'

const nanosecondKeys = new Set(['expire', 'received_at', 'weight'])

/** Parses JSON; integers under the keys that hold 64 bits become bigints, exact where the platform shows a number's source text. */
export function parseExact (text: string): unknown {
  return JSON.parse(text, ((key: string, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number' || !nanosecondKeys.has(key)) return value
    return /^-?\d+$/.test(context?.source ?? '') ? BigInt(context?.source ?? '') : BigInt(Math.trunc(value))
  }) as (key: string, value: unknown) => unknown)
}
