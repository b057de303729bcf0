import { isIP } from 'node:net'
import { base32 } from 'multiformats/bases/base32'
import { base36 } from 'multiformats/bases/base36'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import { decode as decodeDigest } from 'multiformats/hashes/digest'
import { parseCid } from '../../../model/cid.ts'
import { libp2pKeyCodec } from '../../../model/multicodec.ts'
import { invalid } from '../answer/refusal.ts'

/** How a host name of this gateway is served. */
export interface PublicHost {
  /** Each content below a name of its own: `CID.ipfs.HOST`. */
  subdomains: boolean
  /** DNSLink names become one label below the host (`en-example-org.ipns.HOST`) on plain HTTP, too; on HTTPS they always do. */
  inlineDnslink: boolean
}

/** What a request's host means. */
export type HostMeaning =
  /** A gateway: paths begin with /ipfs/ or /ipns/. `subdomains`: they are sent on to names of their own. */
  | { kind: 'gateway', host: string, settings: PublicHost | undefined }
  /** `ROOT.ipfs.HOST`. */
  | { kind: 'subdomain', host: string, namespace: 'ipfs' | 'ipns', label: string, settings: PublicHost }
  /** Some other name: perhaps a DNSLink site. */
  | { kind: 'other', host: string, name: string }

/**
 * What the host of a request means. `given` as in the request, with its port; a dot at the end of its name (`localhost.:8080`) says
 * nothing more.
 */
export function meaningOf (given: string, hosts: ReadonlyMap<string, PublicHost>): HostMeaning {
  const host = given.replace(/\.(?=(:\d{1,5})?$)/, '')
  const name = withoutPort(host).toLowerCase()
  const settings = hosts.get(host.toLowerCase()) ?? hosts.get(name)
  if (settings != null || name === '' || isIP(name.replace(/^\[|\]$/g, '')) !== 0) return { kind: 'gateway', host, settings }
  const [, label, namespace, base] = /^(.+?)\.(ipfs|ipns)\.(.+)$/is.exec(host) ?? []
  // a name with a dot may hold ".ipfs." itself: the last one that leaves a known host counts
  if (label != null && base != null) {
    const parent = hosts.get(base.toLowerCase()) ?? hosts.get(withoutPort(base).toLowerCase())
    const inNamespace = namespace?.toLowerCase() as 'ipfs' | 'ipns'
    if (parent?.subdomains === true) return { kind: 'subdomain', host: base, namespace: inNamespace, label, settings: parent }
    if (parent != null) return { kind: 'other', host, name: '' }
  }
  return { kind: 'other', host, name }
}

/** "example.org:8080" → "example.org". */
const withoutPort = (host: string): string => host.replace(/:\d{1,5}$/, '')

const maxLabel = 63

/**
 * The label that stands for a CID: CIDv1 in base32 for content, base36 with the codec libp2p-key for names. Undefined for what is neither
 * CID nor key. Throws 400 for a CID that no label can hold.
 */
export function canonicalLabel (namespace: 'ipfs' | 'ipns', root: string): string | undefined {
  const cid = namespace === 'ipns' ? keyCid(root) : cidOf(root)
  if (cid == null) return undefined
  const label = namespace === 'ipns' ? cid.toString(base36) : cid.toString(base32)
  if (label.length <= maxLabel) return label
  // nearly as long in base 36, and much slower to write
  const shorter = label.length > 2 * maxLabel ? label.slice(0, 200) : cid.toString(base36)
  if (shorter.length <= maxLabel) return shorter
  throw invalid(`CID incompatible with DNS label length limit of ${maxLabel}: ${shorter}`)
}

function cidOf (text: string): CID | undefined {
  try {
    const cid = parseCid(text)
    return cid.version === 1 ? cid : CID.createV1(cid.code, cid.multihash)
  } catch {
    return undefined
  }
}

/** A key in any of its forms, as a CID with the codec libp2p-key. */
export function keyCid (text: string): CID | undefined {
  if (text.length > 200) return undefined
  try {
    if (/^(12D3|Qm)/.test(text) || text.startsWith('1')) return CID.createV1(libp2pKeyCodec, decodeDigest(base58btc.decode(`z${text}`)))
  } catch {
    return undefined
  }
  const cid = cidOf(text)
  return cid == null ? undefined : CID.createV1(libp2pKeyCodec, cid.multihash)
}

/** `en.my-site.org` → `en-my--site-org`. Throws 400 when it doesn't fit. */
export function inlined (name: string): string {
  const label = name.replaceAll('-', '--').replaceAll('.', '-')
  if (label.length > maxLabel) {
    throw invalid(`inlined DNSLink incompatible with DNS label length limit of ${maxLabel}: ${JSON.stringify(label.slice(0, 300))}`)
  }
  return label
}

/** `en-my--site-org` → `en.my-site.org`. */
export const notInlined = (label: string): string => label.replace(/--|-/g, dash => dash === '-' ? '.' : '-')

/** Could be a domain that has a DNSLink: labels with a dot between. */
export const isDomain = (name: string): boolean => name.length <= 253 && name.includes('.') && domainForm.test(name)

const domainForm = /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?$/i
