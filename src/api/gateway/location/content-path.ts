import { percentDecode } from '../../../base/text/byte-text.ts'
import { percentEncode } from '../../../base/text/percent-encode.ts'
import { textOfLatin1 } from '../../../http/routing/path.ts'
import { invalid } from '../answer/refusal.ts'
import { Refusal } from '../answer/refusal.ts'

/** A path of content as it was asked for. */
export interface ContentPath {
  namespace: 'ipfs' | 'ipns'
  /** A CID or a name, not checked. */
  root: string
  /** Decoded. Empty ones don't count. Bytes that aren't UTF-8 stand as in `byte-text.ts`. */
  names: readonly string[]
  /** Whether a slash stands at its end. */
  isFolder: boolean
}

/** Names in a path. */
const maxNames = 1024
const maxLength = 8192

/** Decodes each segment once. Throws 400 for broken escapes, 404 for what is no content path. */
export function parseContentPath (rawPath: string): ContentPath {
  if (rawPath.length > maxLength) throw new Refusal(414, `invalid path: longer than ${maxLength} characters`)
  const segments = rawPath.split('/')
  const [namespace = '', root = '', ...rest] = segments.slice(1)
  if (namespace !== 'ipfs' && namespace !== 'ipns') throw new Refusal(404, 'only paths that begin with /ipfs/ or /ipns/ are served here')
  if (root === '') {
    const what = namespace === 'ipfs' ? 'CID' : 'name'
    throw invalid(`invalid path ${JSON.stringify(rawPath)}: a ${what} is missing after /${namespace}/`)
  }
  const names = rest.filter(segment => segment !== '').map(decodeSegment)
  if (names.length > maxNames) throw invalid(`invalid path: more than ${maxNames} names`)
  return { namespace, root: decodeSegment(root), names, isFolder: rawPath.endsWith('/') }
}

/** Bytes that came through a request line one by one are assembled; %XX is decoded once. */
export function decodeSegment (segment: string): string {
  const decoded = percentDecode(textOfLatin1(segment))
  if (decoded == null) throw invalid(`invalid path: ${JSON.stringify(segment.slice(0, 100))} has a broken percent escape`)
  return decoded
}

/** The path as decoded text, without a slash at its end: "/ipfs/CID/a b". For messages; not for headers or links. */
export const textOf = ({ namespace, root, names }: ContentPath): string => [`/${namespace}/${root}`, ...names].join('/')

/** The same for a header or a link: what isn't plain is percent-encoded. */
export const encodedPath = ({ namespace, root, names, isFolder }: ContentPath): string =>
  `${[`/${namespace}/${encodeName(root)}`, ...names.map(encodeName)].join('/')}${isFolder ? '/' : ''}`

/** As Go's url.PathEscape leaves it: the sub-delimiters that may stand in a path stay. */
export const encodeName = (name: string): string =>
  percentEncode(name)
    .replace(/%(?:24|26|2B|3A|3D|40)/g, decodeURIComponent)
    .replace(/[!'()*]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

/** Whether a path can lead to this name in a directory: browsers resolve dots by themselves, and a slash begins the next name. */
export const isReachable = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && !name.includes('/') && name.length <= maxReachable

/** With every character escaped it still fits into a path. */
const maxReachable = Math.floor(maxLength / 16)
