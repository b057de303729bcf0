import { isIPv4, SocketAddress } from 'node:net'

/**
 * As `isIP` of node:net: 4, 6, or 0 for what is no address. That one compiles a large expression when it is first asked for IPv6, which
 * takes a start 6 ms.
 */
export function ipFamily (address: string): 0 | 4 | 6 {
  if (!address.includes(':')) return isIPv4(address) ? 4 : 0
  if (/%(?![\da-zA-Z.:-]+$)/.test(address)) return 0
  try {
    void new SocketAddress({ address, family: 'ipv6' })
    return 6
  } catch {
    return 0
  }
}
