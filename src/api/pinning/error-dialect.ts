import type { ErrorCode } from '../../base/errors.ts'
import { isClusterError } from '../../base/errors.ts'
import type { ErrorDialect } from '../../http/error-dialect.ts'
import { jsonType } from '../../http/answer/reply.ts'
import { goJsonString } from '../../model/go-json.ts'
import { deniedStatus } from '../common/denied-status.ts'

/** As in the REST API: what the cluster refuses is 500, with few exceptions. */
const statusOfCode: Partial<Record<ErrorCode, number>> = {
  NOT_PINNED: 404,
  PIN_TOO_LARGE: 400
}

/** `{"error":{"reason":"pin not found"}}` and a newline. */
export const pinningDialect: ErrorDialect = {
  statusOf: err => deniedStatus(err) ?? (isClusterError(err) ? statusOfCode[err.code] ?? 500 : 500),
  body: (_status, message) => ({ contentType: jsonType, text: `{"error":{"reason":${goJsonString(message)}}}\n` })
}
