import type { Answer } from './visit.ts'

/** Ends what an answer's body has begun, when nobody is going to read it. */
export async function closeBody (body: Answer['body'] | AsyncIterable<unknown>): Promise<void> {
  if (body != null && typeof body !== 'string' && !(body instanceof Uint8Array)) await body[Symbol.asyncIterator]().return?.()
}
