import type { HeaderList } from '../../http/reply.ts'
import type { Answer } from './visit.ts'

export const plainType = 'text/plain; charset=utf-8'

/** The client has this already. */
export const notModified = (etag: string): Answer => ({ status: 304, headers: [['Etag', etag]] })

/** One line for people. No cache keeps it. */
export const plainAnswer = (status: number, text: string, headers: HeaderList = []): Answer =>
  ({ status, headers: [['Content-Type', plainType], ['X-Content-Type-Options', 'nosniff'], ...headers], body: `${text}\n` })

export const redirection = (status: number, location: string): Answer => plainAnswer(status, `see ${location}`, [['Location', location]])
