import { invalidArgument } from '../../../base/errors.ts'
import { badRequest } from '../../../http/error-dialect.ts'
import { boundaryOf, parts } from '../../../http/request/multipart.ts'
import type { RequestBody } from '../../../http/request/body.ts'

/** The one file of a request, whole. 400 with Kubo's text when there is none, INVALID_ARGUMENT when it is longer than `limitBytes`. */
export async function uploadedFile (body: RequestBody, { name, limitBytes }: { name: string, limitBytes: number }): Promise<Uint8Array> {
  const missing = badRequest(`file argument '${name}' is required`)
  if (!/^multipart\//i.test(body.contentType ?? '')) throw missing
  for await (const { content } of parts(body.chunks(), boundaryOf(body.contentType), { onTruncated: 'throw' })) {
    const pieces: Uint8Array[] = []
    let size = 0
    for await (const piece of content) {
      size += piece.length
      if (size > limitBytes) {
        throw invalidArgument(`the ${name} is longer than ${limitBytes} bytes`, { limitBytes })
      }
      pieces.push(piece)
    }
    return Buffer.concat(pieces)
  }
  throw missing
}
