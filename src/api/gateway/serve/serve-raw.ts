import { hasAlready } from '../../common/conditional.ts'
import { etagOf } from '../answer/caching.ts'
import { disposition } from '../answer/disposition.ts'
import { typeOfFormat } from '../location/formats.ts'
import { bytesAnswer } from '../answer/partial.ts'
import { notModified } from '../answer/answers.ts'
import type { Answer, Target, GatewayContext } from '../request-context.ts'

/** `format=raw`: the block as it is. */
export async function serveRaw (context: GatewayContext, { cid }: Target): Promise<Answer> {
  const etag = etagOf.format(cid, 'raw')
  if (hasAlready(context.headers, [etag])) return notModified(etag)
  const bytes = await context.get(cid)
  return bytesAnswer(context, bytes, [
    ['Etag', etag],
    ['Content-Type', typeOfFormat.raw],
    ['Content-Disposition', disposition(context.query, { name: `${cid.toString()}.bin`, kind: 'attachment' })],
    ['X-Content-Type-Options', 'nosniff']
  ])
}
