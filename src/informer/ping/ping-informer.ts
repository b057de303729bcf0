import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { orLate } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { MultiaddrText, PeerId } from '../../model/cid.ts'
import type { PingValue } from '../../model/metric.ts'
import { formatPingValue } from '../../model/metric.ts'
import type { Informer } from '../informer.ts'
import { metricOf } from '../measurement.ts'

export interface PingInformerInit {
  peerName: string
  /** `monitor_ping_interval`; the metric holds for twice as long. */
  pingIntervalMs: number
}

export interface PingInformerDeps {
  ipfs: Pick<IpfsConnector, 'id'>
  /** Peers from which this one moves everything away. Default: none. */
  draining?: () => readonly PeerId[]
  /** Peers that this one has removed lately. Default: none. */
  removed?: () => readonly PeerId[]
  clock: Clock
}

/**
 * Says that this peer lives, and which IPFS node it has. While the node doesn't answer, or takes longer than half an interval, what it said
 * last is repeated: a slow node must not make its peer look dead.
 */
export function pingInformer (
  { peerName, pingIntervalMs }: PingInformerInit, { ipfs, draining = () => [], removed = () => [], clock }: PingInformerDeps
): Informer {
  const ttlMs = 2 * pingIntervalMs
  let value: PingValue = { peerName, ipfsId: '', ipfsAddresses: [] }
  return {
    name: 'ping',
    ttlMs,
    metrics: async self => {
      const answer = await orLate(ipfs.id(), { clock, ms: pingIntervalMs / 2 })
      if (answer !== 'late' && answer.error === '') {
        value = { peerName, ipfsId: answer.id, ipfsAddresses: (answer.addresses ?? []).filter(isReachable) }
      }
      const told = formatPingValue({ ...value, draining: draining(), removed: removed() })
      return [metricOf({ name: 'ping', value: told }, { self, now: clock.now(), ttlMs })]
    }
  }
}

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
