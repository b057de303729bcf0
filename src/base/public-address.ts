import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { BlockList, isIP, isIPv4, isIPv6, type LookupFunction } from 'node:net'
import { ClusterError } from './errors.ts'

/** Finds the addresses of a name; all of them. */
export type Lookup = (name: string, options: LookupOptions & { all: true }, done: (err: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void) => void

/** The machine's own. */
export const systemLookup: Lookup = dnsLookup

/** Networks that are nobody's business from outside: this machine, this site, and what leads there by translation. */
const privateNetworks: ReadonlyArray<readonly [string, number]> = [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.168.0.0', 16],
  ['198.18.0.0', 15], ['224.0.0.0', 4], ['240.0.0.0', 4],
  ['::', 128], ['::1', 128], ['64:ff9b:1::', 48], ['fc00::', 7], ['fe80::', 10], ['fec0::', 10], ['ff00::', 8]
]

/** Addresses of IPv6 that carry one of IPv4: the number of its first byte. */
const carriers: ReadonlyArray<{ network: readonly [string, number], at: number }> = [
  { network: ['::ffff:0:0', 96], at: 12 },
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
const carrierLists = carriers.map(({ network, at }) => ({ list: listOf([network]), at }))

/** Whether an IP address leads to this machine or to a private network; false for what is no IP address. */
export function isPrivateAddress (address: string): boolean {
  const [host = ''] = address.split('%')
  if (isIPv4(host)) return privateList.check(host, 'ipv4')
  if (!isIPv6(host)) return false
  if (privateList.check(host, 'ipv6')) return true
  const carrier = carrierLists.find(({ list }) => list.check(host, 'ipv6'))
  return carrier != null && isPrivateAddress(ipv4Within(host, carrier.at))
}

function ipv4Within (address: string, at: number): string { return ipv6Bytes(address).slice(at, at + 4).join('.') }

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
 * Checks an http(s) address that somebody else gives: no credentials in it, and unless private networks are allowed no address of one. Names are looked up when they are used
 * (`publicOnly`). Throws INVALID_ARGUMENT; `what` is how the text begins.
 */
export function publicUrl (text: string, { what, privateAllowed }: { what: string, privateAllowed: boolean }): URL {
  const refuse = (why: string): never => { throw new ClusterError('INVALID_ARGUMENT', {}, { message: `${what} ${why}` }) }
  const url = URL.parse(text) ?? refuse('must be an http(s) address')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') refuse('must be an http(s) address')
  if (url.username !== '' || url.password !== '') refuse('must not have credentials in it')
  if (!privateAllowed && isPrivateAddress(hostOf(url))) refuse('must not be in a private network')
  return url
}

/** Refuses a URL whose name leads to a private network now, for an answer at once; later it may lead elsewhere, so each connection is checked too. INVALID_ARGUMENT. */
export async function refusePrivateName (url: URL, { lookup = systemLookup }: { lookup?: Lookup | undefined } = {}): Promise<void> {
  const host = hostOf(url)
  if (isIP(host) !== 0) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // a name that nobody knows is not refused: whoever uses it tries again, and tells
  lookup(host, { all: true }, (err, addresses) => err == null && addresses.some(({ address }) => isPrivateAddress(address)) ? reject(privateName(host)) : resolve())
  await promise
}

/**
 * A look-up for `request` that gives no private address, whatever the name leads to at that moment. What it gives is what is dialed: the name isn't asked for again between
 * the check and the connection.
 */
export function publicOnly (lookup: Lookup = systemLookup): LookupFunction {
  return (name, options, done) => lookup(name, { ...options, all: true }, (err, addresses) => {
    const found = addresses ?? []
    const refusal = err ?? (found.length === 0 || found.some(({ address }) => isPrivateAddress(address)) ? privateName(name) : null)
    if (refusal != null) done(refusal, '', 0)
    else if (options.all === true) done(null, found)
    else done(null, found[0]?.address ?? '', found[0]?.family ?? 0)
  })
}

const privateName = (name: string): ClusterError =>
  new ClusterError('INVALID_ARGUMENT', { name: name.slice(0, 200) }, { message: `${name.slice(0, 200)} leads to a private network` })
