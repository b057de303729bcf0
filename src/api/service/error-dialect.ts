import { STATUS_CODES } from 'node:http'
import type { ErrorCode } from '../../base/errors.ts'
import { answerText, isClusterError } from '../../base/errors.ts'
import { HttpError } from '../../http/error-dialect.ts'
import type { HeaderList, TextReply } from '../../http/answer/reply.ts'
import { jsonReply } from '../../http/answer/reply.ts'
import { deniedStatus } from '../common/denied-status.ts'

/** What went wrong, in HTTP's words. */
export interface Failure {
  status: number
  message: string
  code: ErrorCode | null
  headers: HeaderList
}

const statusOfCode: Partial<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  INVALID_CID: 400,
  INVALID_DATA: 400,
  UNAUTHENTICATED: 401,
  NOT_AUTHORIZED: 403,
  NOT_FOUND: 404,
  NOT_PINNED: 404,
  CONFLICT: 409,
  TOO_LARGE: 413,
  UNSUPPORTED: 422,
  REJECTED: 422,
  QUOTA_EXCEEDED: 422,
  PIN_REFUSED: 422,
  PIN_TOO_LARGE: 422,
  FOLLOWER_MODE: 422,
  RATE_LIMITED: 429,
  NOT_READY: 503,
  LOCKED: 503,
  QUEUE_FULL: 503,
  STORAGE_FULL: 503,
  NOT_ENOUGH_PEERS: 503,
  IPFS_UNAVAILABLE: 503,
  PEER_UNREACHABLE: 503,
  BLOCK_MISSING: 504,
  NO_PROVIDER: 504,
  TIMEOUT: 504
}

/** What is away comes back by itself. Seconds. */
const usualRetry = 5

/** The status and the words that a client gets for an error. Faults of our own are 500 without their text. */
export function failureOf (err: unknown): Failure {
  const code = isClusterError(err) ? err.code : null
  const status = deniedStatus(err) ?? (err instanceof HttpError ? httpStatus(err) : code == null ? 500 : statusOfCode[code] ?? 500)
  return { status, code, message: answerText(err).toWellFormed(), headers: headersOf(status, err) }
}

/** The toolkit throws 500 for bodies that break off, as Go's server does; whoever sent them has the fault. */
const httpStatus = ({ status }: HttpError): number => status === 500 ? 400 : status

function headersOf (status: number, err: unknown): HeaderList {
  if (status === 401) return [['Www-Authenticate', 'Bearer']]
  if (status !== 429 && status !== 503) return []
  const wanted = isClusterError(err) ? err.details.retryAfterMs : undefined
  return [['Retry-After', String(typeof wanted === 'number' ? Math.max(1, Math.ceil(wanted / 1000)) : usualRetry)]]
}

const nameOf = (status: number): string => STATUS_CODES[status] ?? 'Error'

/** The envelope of `/api/v1` and of everything else here: `{"status":404,"error":"Not Found","message":"…"}`. */
const envelope = ({ status, message }: Failure): unknown => ({ status, error: nameOf(status), message })

/** The failure of the Pinning Service API: `{"error":{"reason":"NOT_FOUND","details":"…"}}`. */
function pinningFailure ({ status, code, message }: Failure): unknown {
  const reason = code === 'QUOTA_EXCEEDED' ? 'INSUFFICIENT_FUNDS' : nameOf(status).toUpperCase().replaceAll(/\W+/g, '_')
  return { error: { reason, details: message } }
}

/** The answer to something that went wrong, in the words of the API that the path belongs to. */
export function failureReply (failure: Failure, path: string): TextReply {
  const isPinning = path === '/api/pinning' || path.startsWith('/api/pinning/')
  // a quota is no fault of the request's form: the Pinning Service API has 409 for it
  const own = isPinning && failure.code === 'QUOTA_EXCEEDED' ? { ...failure, status: 409 } : failure
  return jsonReply(JSON.stringify(isPinning ? pinningFailure(own) : envelope(own)), own.status, own.headers)
}
