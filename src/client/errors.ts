import { isJsonObject } from '../base/json-object.ts'
import { ClusterError, messageOf } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'

/**
 * What went wrong with a call. `status` is the HTTP status, or 0 when there was no answer (refused, timed out, cut off while sending);
 * `message` is the peer's own sentence. `code` is for programs.
 */
export class ApiError extends ClusterError {
  readonly status: number

  constructor (status: number, message: string, options: ErrorOptions & { code?: ErrorCode } = {}) {
    super(options.code ?? codeOfStatus(status), { status }, { message, ...(options.cause == null ? {} : { cause: options.cause }) })
    this.status = status
  }
}

const codes: Record<number, ErrorCode> = {
  0: 'PEER_UNREACHABLE', 400: 'INVALID_ARGUMENT', 401: 'NOT_AUTHORIZED', 403: 'NOT_AUTHORIZED', 404: 'NOT_FOUND', 405: 'UNSUPPORTED',
  501: 'UNSUPPORTED'
}

const codeOfStatus = (status: number): ErrorCode => codes[status] ?? 'PEER_FAILED'

/** The error that an answer of 400 or more carries: the API's JSON, or else its text. Others than the API answer JSON of another kind. */
export function errorOfBody (status: number, text: string): ApiError {
  const { code, message } = parsed(text) ?? {}
  return new ApiError(
    typeof code === 'number' && code !== 0 ? code : status, typeof message === 'string' ? message : text, { code: codeOfStatus(status) }
  )
}

function parsed (text: string): { code?: unknown, message?: unknown } | undefined {
  try {
    const json: unknown = JSON.parse(text)
    return isJsonObject(json) ? json : undefined
  } catch {
    return undefined
  }
}

/** What a transport threw, as an ApiError with status 0. An abort by the caller stays what it is. */
export function unanswered (err: unknown, signal: AbortSignal | undefined): unknown {
  if (err instanceof ApiError || signal?.aborted === true) return err
  return new ApiError(0, messageOf(err), { cause: err })
}
