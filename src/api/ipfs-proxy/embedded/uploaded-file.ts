import { invalidArgument } from '../../../base/errors.ts'
import { wholeBytes } from '../../../base/whole-bytes.ts'
import { badRequest } from '../../../http/error-dialect.ts'
import { boundaryOf, parts } from '../../../http/request/multipart.ts'
import type { RequestBody } from '../../../http/request/body.ts'

/** The one file of a request, whole. 400 with Kubo's text when there is none, INVALID_ARGUMENT when it is longer than `limitBytes`. */
export async function uploadedFile (body: RequestBody, { name, limitBytes }: { name: string, limitBytes: number }): Promise<Uint8Array> {
  const missing = badRequest(`file argument '${name}' is required`)
  if (!/^multipart\//i.test(body.contentType ?? '')) throw missing
  for await (const { content } of parts(body.chunks(), boundaryOf(body.contentType), { onTruncated: 'throw' })) {
    return await wholeBytes(content, {
      maxBytes: limitBytes, tooLong: () => invalidArgument(`the ${name} is longer than ${limitBytes} bytes`, { limitBytes })
    })
  }
  throw missing
}
