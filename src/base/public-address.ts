import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { BlockList, isIP, isIPv4, isIPv6, type LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { ClusterError, invalidArgument } from './errors.ts'

/** Finds the addresses of a name; all of them. */
export type Lookup = (
  name: string, options: LookupOptions & { all: true }, done: (err: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void
) => void

/** The machine's own. */
const systemLookup: Lookup = dnsLookup

/** The addresses that this machine has now. */
export type OwnAddresses = () => readonly string[]

/** The addresses of this machine's network interfaces, now. */
export const systemAddresses: OwnAddresses = () =>
  Object.values(networkInterfaces()).flatMap(all => all ?? []).map(({ address }) => address)

/** Networks that are nobody's business from outside: this machine, this site, and what leads there by translation. */
const privateNetworks: ReadonlyArray<readonly [string, number]> = [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24],
  ['192.88.99.0', 24], ['192.168.0.0', 16],
  ['198.18.0.0', 15], ['224.0.0.0', 4], ['240.0.0.0', 4],
  // protocols of the IETF: Teredo and others that carry addresses of elsewhere
  ['2001::', 23]
]

/** Of IPv6 all hosts of the internet are here; the rest is of a site, of a machine, or nobody's (IANA's registry of the address space). */
const publicSpace: ReadonlyArray<readonly [string, number]> = [['2000::', 3]]

/** Addresses of IPv6 that carry one of IPv4, which is what counts: the number of its first byte. */
const carriers: ReadonlyArray<{ network: readonly [string, number], at: number }> = [
  { network: ['::ffff:0:0', 96], at: 12 },
  { network: ['::ffff:0:0:0', 96], at: 12 },
  { network: ['64:ff9b::', 96], at: 12 },
  { network: ['::', 96], at: 12 },
  { network: ['2002::', 16], at: 2 }
]

const listOf = (networks: ReadonlyArray<readonly [string, number]>): BlockList => {
  const list = new BlockList()
  for (const [address, bits] of networks) list.addSubnet(address, bits, isIPv4(address) ? 'ipv4' : 'ipv6')
  return list
}

const privateList = listOf(privateNetworks)
const publicList = listOf(publicSpace)
const carrierLists = carriers.map(({ network, at }) => ({ list: listOf([network]), at }))

/**
 * Whether an IP address leads to this machine or to a private network; false for what is no IP address. A public address of this machine
 * does, too: what comes to it from here passes no firewall.
 */
export function isPrivateAddress (address: string, own: OwnAddresses = systemAddresses): boolean {
  const plain = plainAddress(address)
  if (plain == null) return false
  const isOutside = isIPv4(plain)
    ? !privateList.check(plain, 'ipv4')
    : publicList.check(plain, 'ipv6') && !privateList.check(plain, 'ipv6') && !isSiteTunnel(plain)
  return !isOutside || own().some(one => plainAddress(one) === plain)
}

/** One spelling for each address: of IPv6 all groups, and of what carries an address of IPv4 that address. Undefined for what is none. */
function plainAddress (address: string): string | undefined {
  const [host = ''] = address.split('%')
  if (isIPv4(host)) return host
  if (!isIPv6(host)) return undefined
  const bytes = ipv6Bytes(host)
  const carrier = carrierLists.find(({ list }) => list.check(host, 'ipv6'))
  if (carrier != null) return bytes.slice(carrier.at, carrier.at + 4).join('.')
  return Buffer.from(bytes).toString('hex').replace(/(.{4})(?!$)/g, '$1:')
}

/** ISATAP: the last eight bytes name an address of IPv4 in the site. */
const isSiteTunnel = (plain: string): boolean => /:0[02]00:5efe:[0-9a-f]{4}:[0-9a-f]{4}$/.test(plain)

/** The 16 bytes of a valid address. */
function ipv6Bytes (address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const hex = dotted == null ? address : `${dotted[1]}${hexPair(dotted[2], dotted[3])}:${hexPair(dotted[4], dotted[5])}`
  const [head = '', tail] = hex.split('::')
  const [front, back] = [groupsOf(head), groupsOf(tail ?? '')]
  const groups = tail == null ? front : [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back]
  return groups.flatMap(group => [group >> 8, group & 0xff])
}

const groupsOf = (text: string): number[] => text === '' ? [] : text.split(':').map(group => parseInt(group, 16))
const hexPair = (high = '0', low = '0'): string => ((Number(high) << 8) | Number(low)).toString(16)

/** The host of a URL; addresses of IPv6 without their brackets. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')

/**
 * Checks an http(s) address that somebody else gives: no credentials in it, and unless private networks are allowed none of one or of this
 * machine. Names are looked up when they are used (`publicOnly`). Throws INVALID_ARGUMENT; `what` is how the text begins.
 */
export function publicUrl (
  text: string, { what, privateAllowed, own }: { what: string, privateAllowed: boolean, own?: OwnAddresses }
): URL {
  const refuse = (why: string): never => { throw invalidArgument(`${what} ${why}`) }
  const url = URL.parse(text) ?? refuse('must be an http(s) address')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') refuse('must be an http(s) address')
  if (url.username !== '' || url.password !== '') refuse('must not have credentials in it')
  if (!privateAllowed && isPrivateAddress(hostOf(url), own)) refuse('must not be in a private network, or of this machine')
  return url
}

/**
 * Refuses a URL whose name leads to a private network now, for an answer at once; later it may lead elsewhere, so each connection is
 * checked too. INVALID_ARGUMENT.
 */
export async function refusePrivateName (
  url: URL, { lookup = systemLookup, own }: { lookup?: Lookup | undefined, own?: OwnAddresses } = {}
): Promise<void> {
  const host = hostOf(url)
  if (isIP(host) !== 0) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // a name that nobody knows is not refused: whoever uses it tries again, and tells
  lookup(
    host, { all: true },
    (err, addresses) =>
      err == null && addresses.some(({ address }) => isPrivateAddress(address, own)) ? reject(privateName(host)) : resolve()
  )
  await promise
}

/**
 * A look-up for `request` that gives no private address, whatever the name leads to at that moment. What it gives is what is dialed: the
 * name isn't asked for again between the check and the connection.
 */
export function publicOnly (lookup: Lookup = systemLookup, own?: OwnAddresses): LookupFunction {
  return (name, options, done) => lookup(name, { ...options, all: true }, (err, addresses) => {
    const found = addresses ?? []
    const refusal = err ?? (found.length === 0 || found.some(({ address }) => isPrivateAddress(address, own)) ? privateName(name) : null)
    if (refusal != null) done(refusal, '', 0)
    else if (options.all === true) done(null, found)
    else done(null, found[0]?.address ?? '', found[0]?.family ?? 0)
  })
}

const privateName = (name: string): ClusterError =>
  new ClusterError(
    'INVALID_ARGUMENT', { name: name.slice(0, 200) }, { message: `${name.slice(0, 200)} leads to a private network, or to this machine` }
  )
