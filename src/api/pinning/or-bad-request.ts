import { messageOf } from '../../base/errors.ts'
import { badRequest } from '../../http/error-dialect.ts'

/** Runs a parser; what it throws becomes a 400 with this beginning. */
export function orBadRequest<T> (parse: () => T, beginning: string): T {
  try {
    return parse()
  } catch (err) {
    throw badRequest(`${beginning}: ${messageOf(err)}`, { cause: err })
  }
}
