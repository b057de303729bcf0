import { isClusterError } from '../../../base/errors.ts'
import type { NameResolver } from '../../../ipfs/names.ts'
import { parseContentPath } from './content-path.ts'
import type { ContentPath } from './content-path.ts'
import { canonicalLabel, inlined, isDomain, keyCid, meaningOf, notInlined } from './hosts.ts'
import type { HostMeaning, PublicHost } from './hosts.ts'
import { invalid, notCached, Refusal } from '../answer/refusal.ts'
import { encodedUrlPath } from '../serve/serve-directory.ts'
import type { Site } from '../request-context.ts'

/** Where a request came to. */
export interface Arrival {
  /** As the client wrote it, or a trusted proxy passed it on; with its port. */
  host: string
  scheme: 'http' | 'https'
  /** As it came. */
  urlPath: string
  rawQuery: string
}

export interface LocateInit {
  hosts: ReadonlyMap<string, PublicHost>
  /** Whether other hosts may be DNSLink sites. */
  dnslinkHosts: boolean
}

export interface LocateDeps {
  names: NameResolver | undefined
  signal: () => AbortSignal
  /** What nobody is asked for, as `NameOptions.local`. `all`: a host of which nothing is known here is 412. */
  local: 'keys' | 'all' | undefined
}

/** Which content a request is about, or where else it has to be asked for. `front`: the gateway's own page. */
export type Location =
  | { kind: 'content', site: Site, path: ContentPath }
  | { kind: 'redirect', status: number, location: string }
  | { kind: 'front' }

/**
 * What a request asks for, by host and path together: content, or where the browser is to go instead. Throws a `Refusal`: 400 for paths and
 * labels that can't be, 404 for what is neither, 412 where only what is here may be used and the host's DNSLink isn't known.
 */
export async function locate (arrival: Arrival, init: LocateInit, deps: LocateDeps): Promise<Location> {
  const meaning = meaningOf(arrival.host, init.hosts)
  if (meaning.kind === 'subdomain') return atSubdomain(arrival, meaning, deps)
  if (meaning.kind === 'other' && init.dnslinkHosts && await hasDnslink(meaning.name, deps)) return dnslinkSite(arrival, meaning)
  if (meaning.kind === 'other' && mayBeSite(arrival, meaning, init, deps)) throw notCached(`what ${meaning.name} points to`)
  return onPath(arrival, meaning, deps)
}

/** Whether the host may have a DNSLink that isn't known here, and nobody may be asked. Paths of gateways are served all the same. */
const mayBeSite = ({ urlPath }: Arrival, { name }: { name: string }, { dnslinkHosts }: LocateInit, { names, local }: LocateDeps): boolean =>
  dnslinkHosts && names != null && local === 'all' && isDomain(name) && !gatewayPath.test(urlPath)

const gatewayPath = /^\/ip[fn]s(\/|$)/

async function onPath (arrival: Arrival, meaning: HostMeaning, deps: LocateDeps): Promise<Location> {
  const { urlPath, rawQuery } = arrival
  if (urlPath === '/' || urlPath === '') return { kind: 'front' }
  if (gatewayPath.test(urlPath)) {
    const legacy = legacyForm(urlPath, rawQuery)
    if (legacy != null) return { kind: 'redirect', status: 301, location: legacy }
    const settings = meaning.kind === 'gateway' ? meaning.settings : undefined
    const moved = settings?.subdomains === true ? await subdomainUrl(arrival, { ...settings, host: arrival.host }, deps) : undefined
    if (moved != null) return { kind: 'redirect', status: 301, location: moved }
  }
  return { kind: 'content', site: { kind: 'path', host: arrival.host }, path: parseContentPath(urlPath) }
}

/** `/ipfs/?uri=ipfs://CID/x` (what a browser's protocol handler opens) and `/ipfs/ipfs/CID`. */
function legacyForm (urlPath: string, rawQuery: string): string | undefined {
  const uri = /^\/ip[fn]s\/?$/.test(urlPath) ? new URLSearchParams(rawQuery).get('uri') : null
  if (uri != null) {
    const [, namespace, rest] = /^(?:web\+)?(ipfs|ipns):\/\/(.+)$/s.exec(uri) ?? []
    if (namespace == null || rest == null) throw invalid('the uri parameter must begin with ipfs:// or ipns://')
    return `/${namespace}/${encodeURI(rest.toWellFormed()).replace(/%25([0-9a-f]{2})/gi, '%$1')}`
  }
  const [, inner, root] = /^\/ip[fn]s(\/ip[fn]s\/([^/]+).*)$/s.exec(urlPath) ?? []
  if (inner == null || root == null) return undefined
  const label = canonicalLabelOrNothing(inner.startsWith('/ipfs/') ? 'ipfs' : 'ipns', root)
  return label == null ? undefined : `${encodedUrlPath(inner)}${queryOf(rawQuery)}`
}

function canonicalLabelOrNothing (namespace: 'ipfs' | 'ipns', root: string): string | undefined {
  try {
    return canonicalLabel(namespace, root)
  } catch {
    return root
  }
}

const queryOf = (rawQuery: string): string => rawQuery === '' ? '' : `?${rawQuery}`

interface Parent extends PublicHost { host: string }

/** The URL on a name of its own; undefined when the root is neither CID nor name: the path itself is answered then, with what is wrong. */
async function subdomainUrl (arrival: Arrival, parent: Parent, deps: LocateDeps): Promise<string | undefined> {
  const { urlPath, rawQuery, scheme } = arrival
  const { namespace, root } = parseContentPath(urlPath)
  const rest = encodedUrlPath(urlPath).split('/').slice(3).join('/')
  const label = await labelFor({ namespace, root, isHttps: scheme === 'https' }, parent, deps)
  return label == null ? undefined : `${scheme}://${label}.${namespace}.${parent.host}/${rest}${queryOf(rawQuery)}`
}

async function labelFor (
  { namespace, root, isHttps }: { namespace: 'ipfs' | 'ipns', root: string, isHttps: boolean }, parent: PublicHost, deps: LocateDeps
): Promise<string | undefined> {
  const label = namespace === 'ipns' && isDomain(root) ? undefined : canonicalLabel(namespace, root)
  if (label != null) return label
  if (namespace === 'ipfs') return undefined
  const name = !root.includes('.') && root.includes('-') && await hasDnslink(notInlined(root), deps) ? notInlined(root) : root
  if (!isDomain(name)) return undefined
  return (parent.inlineDnslink || isHttps) && await hasDnslink(name, deps) ? inlined(name) : name
}

async function atSubdomain (arrival: Arrival, meaning: HostMeaning & { kind: 'subdomain' }, deps: LocateDeps): Promise<Location> {
  const { namespace, label, host, settings } = meaning
  const { urlPath, rawQuery, scheme } = arrival
  const canonical = namespace === 'ipns' && isDomain(label) ? undefined : canonicalLabel(namespace, label)
  if (canonical != null && canonical !== label && !isSameCid(label, canonical, namespace)) {
    const location = `${scheme}://${canonical}.${namespace}.${host}${encodedUrlPath(urlPath)}${queryOf(rawQuery)}`
    return { kind: 'redirect', status: 301, location }
  }
  if (canonical == null && namespace === 'ipfs') throw invalid(`invalid CID ${JSON.stringify(label.slice(0, 100))} in the host name`)
  const root = canonical ?? await nameOf(label, deps)
  if (settings == null || root === '') throw new Refusal(404, 'there is nothing at this host')
  const path = parseContentPath(`/${namespace}/${encodeURIComponent(root)}${urlPath}`)
  return { kind: 'content', site: { kind: 'subdomain', host }, path }
}

/** Names of hosts are case-insensitive: `BAFY…` is no other label. */
function isSameCid (label: string, canonical: string, namespace: 'ipfs' | 'ipns'): boolean {
  return label.toLowerCase() === canonical || (namespace === 'ipns' && label.startsWith('k') && keyCid(label)?.toString() === label)
}

/** A DNSLink name as it is, or one that was made into a single label. */
async function nameOf (label: string, deps: LocateDeps): Promise<string> {
  if (label.includes('.') || !label.includes('-')) return label
  const name = notInlined(label)
  return await hasDnslink(name, deps) || !await hasDnslink(label, deps) ? name : label
}

const dnslinkSite = ({ host, urlPath }: Arrival, { name }: { name: string }): Location =>
  ({ kind: 'content', site: { kind: 'dnslink', host }, path: parseContentPath(`/ipns/${encodeURIComponent(name)}${urlPath}`) })

async function hasDnslink (name: string, { names, signal, local }: LocateDeps): Promise<boolean> {
  if (names == null || !isDomain(name)) return false
  try {
    await names.resolveName(name, { signal: signal(), local })
    return true
  } catch (err) {
    // there is one, and what it leads to is told as denied
    if (isClusterError(err, 'DENIED')) return true
    // nobody has to have a DNSLink: a resolver that doesn't answer must not keep a plain gateway from serving
    if (isClusterError(err)) return false
    throw err
  }
}
