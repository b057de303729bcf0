import type { Clock } from '../../base/clock.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { PeerId } from '../../model/cid.ts'
import type { PingValue } from '../../model/metric.ts'
import { formatPingValue } from '../../model/metric.ts'
import type { IpfsId } from '../../model/peer.ts'
import type { Informer } from '../informer.ts'
import { measured } from '../measured.ts'
import { isReachable } from './reachable-address.ts'

export interface PingInformerInit {
  peerName: string
  /** `monitor_ping_interval`; the metric holds for twice as long. */
  pingIntervalMs: number
}

export interface PingInformerDeps {
  ipfs: Pick<IpfsConnector, 'id'>
  /** Peers from which this one moves everything away. Default: none. */
  draining?: () => readonly PeerId[]
  clock: Clock
}

/**
 * Says that this peer lives, and which IPFS node it has. While the node doesn't answer, or takes longer than half an interval, what it said
 * last is repeated: a slow node must not make its peer look dead.
 */
export function pingInformer (
  { peerName, pingIntervalMs }: PingInformerInit, { ipfs, draining = () => [], clock }: PingInformerDeps
): Informer {
  const ttlMs = 2 * pingIntervalMs
  let value: PingValue = { peerName, ipfsId: '', ipfsAddresses: [] }
  return {
    name: 'ping',
    ttlMs,
    metrics: async self => {
      const { id, addresses, error } = await answerInTime(ipfs, clock, pingIntervalMs / 2)
      if (error === '') value = { peerName, ipfsId: id, ipfsAddresses: (addresses ?? []).filter(isReachable) }
      return [measured({ name: 'ping', value: formatPingValue({ ...value, draining: draining() }) }, { self, now: clock.now(), ttlMs })]
    }
  }
}

async function answerInTime (ipfs: Pick<IpfsConnector, 'id'>, clock: Clock, limitMs: number): Promise<IpfsId> {
  const late = Promise.withResolvers<IpfsId>()
  const cancel = clock.after(limitMs, () => late.resolve({ id: '', addresses: null, error: 'the IPFS node is slow to answer' }))
  return await Promise.race([ipfs.id(), late.promise]).finally(cancel)
}
