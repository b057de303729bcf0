import { createHash } from 'node:crypto'
import { ClusterError } from '../../../base/errors.ts'
import type { NameResolver } from '../../../ipfs/names.ts'
import { hasAlready } from '../../common/conditional.ts'
import { notModified } from '../answer/answers.ts'
import { disposition } from '../answer/disposition.ts'
import { typeOfFormat } from '../location/formats.ts'
import { bytesAnswer } from '../answer/partial.ts'
import { ifCached, invalid } from '../answer/refusal.ts'
import type { Answer, GatewayContext } from '../request-context.ts'

/** `format=ipns-record`: the signed record of a key. */
export async function serveRecord (context: GatewayContext, names: NameResolver | undefined): Promise<Answer> {
  const { path: { namespace, root, names: behind }, signal, local } = context
  if (namespace !== 'ipns') throw invalid('an IPNS record is behind /ipns/ only')
  if (behind.length > 0) throw invalid('an IPNS record has no path behind its name')
  if (names == null) throw new ClusterError('UNSUPPORTED', {}, { message: 'this gateway does not look up names' })
  const record = await names.recordOf(root, { signal, local }).catch(err => { throw ifCached(err, { what: root, local }) })
  const etag = `"${createHash('sha256').update(record.bytes).digest('base64url').slice(0, 22)}.ipns-record"`
  const fresh: [string, string] = record.ttlSeconds == null
    ? ['Last-Modified', new Date(context.now).toUTCString()]
    : ['Cache-Control', `public, max-age=${Math.max(0, Math.floor(Math.min(record.ttlSeconds, (record.validUntil - context.now) / 1000)))}`]
  if (hasAlready(context.headers, [etag])) return { ...notModified(etag), headers: [['Etag', etag], fresh] }
  const answer = bytesAnswer({ ...context, headers: {} }, record.bytes, [
    ['Etag', etag],
    fresh,
    ['Content-Type', typeOfFormat['ipns-record']],
    ['Content-Disposition', disposition(context.query, { name: `${root}.ipns-record`, kind: 'attachment' })],
    ['X-Content-Type-Options', 'nosniff']
  ])
  return { ...answer, headers: answer.headers.filter(([name]) => name !== 'Accept-Ranges') }
}
