import { answerText, messageOf } from '../base/errors.ts'

/** An answer that a handler throws instead of returning: status and text are meant for the client. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: number

  constructor (status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** An answer with status 400 and these words, to be thrown. */
export const badRequest = (message: string, options?: ErrorOptions): HttpError => new HttpError(400, message, options)

/** Runs a parser; what it throws becomes a 400 whose text has this beginning, a colon and the message. */
export function orBadRequest<T> (parse: () => T, beginning: string): T {
  try {
    return parse()
  } catch (err) {
    throw badRequest(`${beginning}: ${messageOf(err)}`, { cause: err })
  }
}

/** What is said of a request that isn't HTTP. */
export const unreadable = 'the request can not be read'

/** How one API tells its clients that something went wrong: each has the status and the body that its clients know. */
export interface ErrorDialect {
  /** The status for anything a handler throws that is no HttpError. */
  statusOf (err: unknown): number
  /** The body: its type and text. */
  body (status: number, message: string): { contentType: string, text: string }
}

/** The status and body of an error that a handler threw, in the words of the API. HttpErrors keep their own status. */
export function errorReply (dialect: ErrorDialect, err: unknown): { status: number, message: string, contentType: string, text: string } {
  const status = err instanceof HttpError ? err.status : dialect.statusOf(err)
  const message = answerText(err)
  return { status, message, ...dialect.body(status, message) }
}
