import type { ErrorDialect } from '../../http/error-dialect.ts'
import { jsonType } from '../../http/answer/reply.ts'
import { goJsonString } from '../../model/go-json.ts'

/** Kubo's errors, without a newline. Everything is 500, as in Go. */
export const proxyDialect: ErrorDialect = {
  statusOf: () => 500,
  body: (_status, message) => ({ contentType: jsonType, text: errorJson(message) })
}

/** An error as Kubo's RPC prints it: `{"Message":"…","Code":0,"Type":"error"}`, without a newline. */
export const errorJson = (message: string): string => `{"Message":${goJsonString(message)},"Code":0,"Type":"error"}`
