import { BlockList, isIPv4, isIPv6 } from 'node:net'
import type { MultiaddrText } from '../../model/cid.ts'

/** What is no global unicast address to Go: unspecified, loopback, link-local, multicast, broadcast. Private ranges are fine. */
const local = new BlockList()
for (const [network, bits] of [['127.0.0.0', 8], ['169.254.0.0', 16], ['224.0.0.0', 4]] as const) local.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [['fe80::', 10], ['ff00::', 8]] as const) local.addSubnet(network, bits, 'ipv6')
for (const address of ['0.0.0.0', '255.255.255.255']) local.addAddress(address, 'ipv4')
for (const address of ['::', '::1']) local.addAddress(address, 'ipv6')

const names: ReadonlySet<string> = new Set(['dns', 'dns4', 'dns6', 'dnsaddr'])

/** Whether other machines may reach this address: it begins with a DNS name or a global unicast IP address. */
export function isReachable (address: MultiaddrText): boolean {
  const [, protocol = '', host = ''] = address.split('/')
  if (names.has(protocol)) return host !== ''
  if (protocol === 'ip4') return isIPv4(host) && !local.check(host, 'ipv4')
  return protocol === 'ip6' && isIPv6(host) && !local.check(host, 'ipv6')
}
