import { pagePolicy } from '../../../http/answer/html.ts'
import type { HeaderList } from '../../../http/answer/reply.ts'
import { isPageTag } from './caching.ts'
import type { Answer } from '../request-context.ts'

/** Of messages and directory-free errors, as Kubo's gateway sends it. */
const plainType = 'text/plain; charset=utf-8'

/** The client has this already. Headers of a 304 take the place of those that were kept: the policy has to be the page's again. */
export const notModified = (etag: string): Answer =>
  ({ status: 304, headers: [['Etag', etag], ...isPageTag(etag) ? [['Content-Security-Policy', pagePolicy] as const] : []] })

/** One line for people. No cache keeps it. */
export const plainAnswer = (status: number, text: string, headers: HeaderList = []): Answer =>
  ({ status, headers: [['Content-Type', plainType], ['X-Content-Type-Options', 'nosniff'], ...headers], body: `${text}\n` })

/** Sends the client elsewhere, with a line of text for who doesn't follow. */
export const redirection = (status: number, location: string): Answer => plainAnswer(status, `see ${location}`, [['Location', location]])

/** Ends what an answer's body has begun, when nobody is going to read it. */
export async function closeBody (body: Answer['body'] | AsyncIterable<unknown>): Promise<void> {
  if (body != null && typeof body !== 'string' && !(body instanceof Uint8Array)) await body[Symbol.asyncIterator]().return?.()
}
