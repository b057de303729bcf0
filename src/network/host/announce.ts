import { BlockList, isIP } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ClusterError, messageOf } from '../../base/errors.ts'
import type { MultiaddrText } from '../../model/cid.ts'

/**
 * What may be announced: everything but these addresses and networks (`/ip4/10.0.0.0/ipcidr/8`). Throws INVALID_CONFIG for what is neither.
 */
export function announceFilter (noAnnounce: readonly MultiaddrText[]): (addresses: Multiaddr[]) => Multiaddr[] {
  const networks = new BlockList()
  const exact = new Set<string>()
  for (const text of noAnnounce) {
    const cidr = /^\/ip[46]\/([^/]+)\/ipcidr\/(\d+)$/.exec(text)
    if (cidr == null) exact.add(normal(text))
    else networks.addSubnet(cidr[1] ?? '', Number(cidr[2]), familyOf(cidr[1] ?? ''))
  }
  return addresses => addresses.filter(address => !exact.has(withoutPeer(address.toString())) && !isInside(address.toString(), networks))
}

function isInside (address: MultiaddrText, networks: BlockList): boolean {
  const ip = /^\/ip[46]\/([^/]+)/.exec(address)?.[1]
  return ip != null && networks.check(ip, familyOf(ip))
}

const familyOf = (ip: string): 'ipv4' | 'ipv6' => isIP(ip) === 6 ? 'ipv6' : 'ipv4'
const withoutPeer = (address: MultiaddrText): MultiaddrText => address.replace(/\/p2p\/[^/]+$/, '')

function normal (text: MultiaddrText): MultiaddrText {
  try {
    return withoutPeer(multiaddr(text).toString())
  } catch (err) {
    throw new ClusterError('INVALID_CONFIG', { address: text }, { message: `no_announce_multiaddress: ${messageOf(err)}`, cause: err })
  }
}
