/** What somebody asks for: a CID, or a name of IPNS, and perhaps a path below it. */
export interface ContentLink { namespace: 'ipfs' | 'ipns', root: string, path: string[] }

const cidText = /^(Qm[1-9A-HJ-NP-Za-km-z]{44}|[bB][a-zA-Z2-7]{20,}|z[1-9A-HJ-NP-Za-km-z]{20,}|[fF][0-9a-fA-F]{40,}|[ukK][\w-]{20,})$/

const looksLikeCid = (text: string): boolean => cidText.test(text)

/** Of a CID, a path (`/ipfs/CID/…`), an `ipfs://` link, or a link to any gateway. Null for anything else. */
export function contentLinkOf (given: string): ContentLink | null {
  const text = given.trim()
  return nativeLink(text) ?? (/^https?:\/\//i.test(text) ? webLink(text) : pathLink(text))
}

/** As it goes behind `/ipfs/` in an address. */
export const addressOf = ({ root, path }: ContentLink): string => [root, ...path].map(encodeURIComponent).join('/')

/** As it is shown, and given back to `contentLinkOf`. */
export const textOfLink = ({ namespace, root, path }: ContentLink): string =>
  `${namespace === 'ipns' ? '/ipns/' : ''}${[root, ...path].join('/')}`

function nativeLink (text: string): ContentLink | null {
  const [, namespace, rest = ''] = /^(ipfs|ipns):(?:\/\/)?\/?(.+)$/is.exec(text) ?? []
  if (namespace == null) return null
  const path = withoutQuery(rest)
  return linkOf(namespace.toLowerCase() === 'ipns' ? 'ipns' : 'ipfs', decoded(path.replace(/^ip[fn]s\//, '')))
}

/** `/ipfs/CID/…` anywhere in a link's path, `/api/gateway/CID/…`, or the CID as the first label of the host. */
function webLink (text: string): ContentLink | null {
  if (!URL.canParse(text)) return null
  const { hostname, pathname } = new URL(text)
  const [, label = '', namespace] = /^([^.]+)\.(ipfs|ipns)\./i.exec(hostname) ?? []
  if (namespace != null) return linkOf(namespace.toLowerCase() === 'ipns' ? 'ipns' : 'ipfs', [label, ...decoded(pathname)])
  const [, kind, rest = ''] = /\/(ipfs|ipns|api\/gateway)\/(.+)$/s.exec(pathname) ?? []
  return kind == null ? null : linkOf(kind === 'ipns' ? 'ipns' : 'ipfs', decoded(rest))
}

function pathLink (text: string): ContentLink | null {
  const [, namespace = 'ipfs', rest = ''] = /^\/?(?:(ipfs|ipns)\/)?(.+)$/s.exec(text) ?? []
  return linkOf(namespace === 'ipns' ? 'ipns' : 'ipfs', rest.split('/').filter(step => step !== ''))
}

function linkOf (namespace: 'ipfs' | 'ipns', [root = '', ...path]: string[]): ContentLink | null {
  if (path.includes('..') || path.includes('.')) return null
  const isRoot = namespace === 'ipns' ? root !== '' : looksLikeCid(root)
  return isRoot ? { namespace, root, path } : null
}

const withoutQuery = (text: string): string => text.replace(/[?#].*$/s, '')

function decoded (path: string): string[] {
  return path.split('/').filter(step => step !== '').map(step => {
    try {
      return decodeURIComponent(step)
    } catch {
      return step
    }
  })
}
