import { quotedText } from '../../base/text/byte-text.ts'
import { ClusterError, messageOf } from '../../base/errors.ts'
import type { CID } from '../../model/cid.ts'
import { parseCid } from '../../model/cid.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { CallOptions } from '../cluster-api.ts'

/**
 * Checks `/ipfs/CID[/…]`, `/ipld/CID[/…]` or `/ipns/NAME[/…]` and returns it clean: without empty, `.` and `..` segments. Throws
 * INVALID_ARGUMENT with Go's text.
 */
function checkPath (path: string): string {
  const fail = (why: string): never => {
    throw new ClusterError(
      'INVALID_ARGUMENT', { path: path.slice(0, 200) }, { message: `error parsing path: invalid path ${quotedText(path)}: ${why}` }
    )
  }
  const segments = cleanSegments(path)
  const [namespace = '', root = ''] = segments
  if (!path.startsWith('/') || segments.length < 2) fail('path does not have enough components')
  if (namespace !== 'ipfs' && namespace !== 'ipld' && namespace !== 'ipns') fail(`unknown namespace: ${quotedText(namespace)}`)
  if (namespace !== 'ipns') {
    try { parseCid(root) } catch (err) { fail(messageOf(err)) }
  }
  return `/${segments.join('/')}`
}

function cleanSegments (path: string): string[] {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  return segments
}

/** The CID that a path leads to now. INVALID_ARGUMENT for what isn't a path; else the node's errors. */
export async function resolvePath (
  path: string, ipfs: Pick<IpfsConnector, 'resolve'>, call: CallOptions & { evenDenied?: boolean } = {}
): Promise<CID> {
  return ipfs.resolve(checkPath(path), call)
}
