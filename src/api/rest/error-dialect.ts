import type { ErrorCode } from '../../base/errors.ts'
import { isClusterError } from '../../base/errors.ts'
import type { ErrorDialect } from '../../http/error-dialect.ts'
import { jsonType } from '../../http/answer/reply.ts'
import { goJsonString } from '../../model/go-json.ts'
import { deniedStatus } from '../common/denied-status.ts'

/**
 * Whatever the cluster refuses is 500, as in Go (api/common); these are the exceptions. What is wrong with the request itself is found
 * before the cluster is asked and answered with 400.
 */
const statusOfCode: Partial<Record<ErrorCode, number>> = {
  NOT_PINNED: 404,
  PIN_TOO_LARGE: 400,
  RATE_LIMITED: 429
}

/** `{"code":404,"message":"not found"}` and a newline. */
export const restDialect: ErrorDialect = {
  statusOf: err => deniedStatus(err) ?? (isClusterError(err) ? statusOfCode[err.code] ?? 500 : 500),
  body: (status, message) => ({ contentType: jsonType, text: `{"code":${status},"message":${goJsonString(message)}}\n` })
}
