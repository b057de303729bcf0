import { quotedText } from '../../base/text/byte-text.ts'
import { ClusterError, messageOf } from '../../base/errors.ts'
import { isCid, parseCid } from '../../model/cid.ts'

/** A CID or a path as Kubo's commands take it → `/ipfs/…`. Throws INVALID_ARGUMENT with Go's text. */
export function contentPath (argument: string): string {
  const fail = (why: string): never => {
    throw new ClusterError(
      'INVALID_ARGUMENT', { path: argument.slice(0, 200) }, { message: `invalid path ${quotedText(argument)}: ${why}` }
    )
  }
  const [first = '', ...rest] = argument.split('/').filter(segment => segment !== '')
  if (!argument.startsWith('/')) return isCid(first) ? `/ipfs/${[first, ...rest].join('/')}` : fail('path does not have enough components')
  if (rest.length === 0) return fail('path does not have enough components')
  if (first !== 'ipfs' && first !== 'ipld' && first !== 'ipns') return fail(`unknown namespace: ${quotedText(first)}`)
  if (first !== 'ipns') {
    try { parseCid(rest[0] ?? '') } catch (err) { fail(messageOf(err)) }
  }
  return `/${[first, ...rest].join('/')}`
}
