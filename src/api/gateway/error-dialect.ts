import { isClusterError, messageOf } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { HttpError } from '../../http/error-dialect.ts'
import type { HeaderList } from '../../http/answer/reply.ts'
import { Refusal } from './answer/refusal.ts'

/** After so many seconds it is worth asking again. */
const retryAfter = '30'

const statusOfCode: Partial<Record<ErrorCode, number>> = {
  INVALID_CID: 400,
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  BLOCK_MISSING: 404,
  INVALID_DATA: 422,
  UNSUPPORTED: 501,
  STORAGE_FULL: 503,
  IPFS_UNAVAILABLE: 503,
  NOT_READY: 503,
  NO_PROVIDER: 502,
  TIMEOUT: 504
}

/** Which rule it was, visitors don't learn. */
const deniedAnswer = (isLegal: boolean): { status: number, message: string, headers: HeaderList } => isLegal
  ? { status: 451, message: 'this content is not available for legal reasons', headers: [] }
  : { status: 410, message: 'this content is blocked on this gateway', headers: [] }

/** Statuses that pass by themselves. */
const passing = new Set([429, 502, 503, 504])

/** What an error tells the client. Content that can't be read is no fault of this peer: 422. */
export function refusalOf (err: unknown): { status: number, message: string, headers: HeaderList } {
  if (isClusterError(err, 'DENIED')) return deniedAnswer(err.details.reason === 'legal')
  const status = err instanceof HttpError ? err.status : isClusterError(err) ? statusOfCode[err.code] ?? 500 : 500
  const headers = err instanceof Refusal ? err.headers : []
  const known = err instanceof HttpError || isClusterError(err)
  return {
    status,
    // the words of an unexpected fault are for the log
    message: known ? messageOf(err) : 'an unexpected fault',
    headers: passing.has(status) && !headers.some(([name]) => name === 'Retry-After') ? [...headers, ['Retry-After', retryAfter]] : headers
  }
}
