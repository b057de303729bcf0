import { ClusterError } from '../../src/base/errors.ts'
import { parseCid } from '../../src/model/cid.ts'
import { whyNoCid } from '../../src/model/cid-reason.ts'
import { failed } from './failure.ts'

/** The CID in its usual form. Throws INVALID_CID with Go's message. */
export function cidText (text: string): string {
  try {
    // Go knows a v0 by its length
    if (text.startsWith('Q') && text.length !== 46) throw new Error('no multibase')
    return parseCid(text).toString()
  } catch (err) {
    throw new ClusterError('INVALID_CID', { cid: text.slice(0, 200) }, { message: `invalid cid: ${whyNoCid(text)}`, cause: err })
  }
}

/** The same for an argument of a command; `what` is told when it isn't one. */
export function cidArgument (text: string, what = 'parsing cid'): string {
  try {
    return cidText(text)
  } catch (err) {
    throw failed(what, err)
  }
}

/**
 * "/ipfs/<cid>/a/b" without empty segments, `.` and `..`, from such a path or a bare "<cid>/a/b". Throws INVALID_CID or an Error that names
 * the path.
 */
export function contentPath (text: string): string {
  const given = /^\/(ipfs|ipns|ipld)(\/|$)/.test(text) ? text : `/ipfs/${text}`
  const [, namespace = '', root = '', ...rest] = cleaned(given).split('/')
  if (root === '') throw new Error(`invalid path ${JSON.stringify(given)}: path does not have enough components`)
  if (namespace === 'ipns') return ['', namespace, root, ...rest].join('/')
  try {
    return ['', namespace, cidText(root), ...rest].join('/')
  } catch (err) {
    throw new Error(`invalid path ${JSON.stringify(given)}: ${(err as Error).message}`, { cause: err })
  }
}

function cleaned (path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  return `/${kept.join('/')}`
}
