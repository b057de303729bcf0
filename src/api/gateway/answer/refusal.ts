import type { HeaderList } from '../../../http/answer/reply.ts'
import { HttpError } from '../../../http/error-dialect.ts'
import { isClusterError } from '../../../base/errors.ts'

/** An answer that a step throws: a status, a sentence for the client, perhaps headers (`Retry-After`, `Content-Range`, …). */
export class Refusal extends HttpError {
  readonly headers: HeaderList

  constructor (status: number, message: string, headers: HeaderList = [], options?: ErrorOptions) {
    super(status, message, options)
    this.headers = headers
  }
}

/** 412 for what isn't here and may not be asked for. */
export const notCached = (what: string, options?: ErrorOptions): Refusal =>
  new Refusal(412, `${what} is not here, and only-if-cached was asked for`, [], options)

/** The same for a name that was looked up; other errors, and other requests' errors, as they are. */
export const ifCached = (err: unknown, { what, local }: { what: string, local: 'keys' | 'all' | undefined }): unknown =>
  local === 'all' && isClusterError(err, 'NOT_FOUND') ? notCached(what, { cause: err }) : err

/** 406: the client takes nothing that can be given. */
export const notAcceptable = (message: string): Refusal => new Refusal(406, message)
/** 400: what is asked makes no sense. */
export const invalid = (message: string): Refusal => new Refusal(400, message)
