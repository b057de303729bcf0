import { BlockList, isIPv4, isIPv6 } from 'node:net'

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

/** The IP address that a multiaddress begins with; undefined for names and everything else. */
function addressOf (multiaddress: string): string | undefined {
  const [, protocol, host] = multiaddress.split('/')
  return protocol === 'ip4' || protocol === 'ip6' ? host : undefined
}

/**
 * Which of a user's addresses this service dials. Without `privateAllowed` those of public networks, and no names: what a name leads to is known only when it is dialed.
 */
export function originPolicy ({ privateAllowed }: { privateAllowed: boolean }): (origins: readonly string[]) => string[] {
  return origins => origins.filter(origin => {
    if (privateAllowed) return true
    const address = addressOf(origin)
    return address != null && !isPrivateAddress(address)
  })
}
