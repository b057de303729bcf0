import type { HeaderList } from '../../http/reply.ts'
import { HttpError } from '../../http/dialect.ts'

/** An answer that a step throws: a status, a sentence for the client, perhaps headers (`Retry-After`, `Content-Range`, …). */
export class Refusal extends HttpError {
  readonly headers: HeaderList

  constructor (status: number, message: string, headers: HeaderList = [], options?: ErrorOptions) {
    super(status, message, options)
    this.headers = headers
  }
}

export const notAcceptable = (message: string): Refusal => new Refusal(406, message)
export const invalid = (message: string): Refusal => new Refusal(400, message)
