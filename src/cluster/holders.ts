import type { Holder } from '../ipfs/holder.ts'
import type { CID, MultiaddrText, PeerId } from '../model/cid.ts'
import { parsePingValue } from '../model/metric.ts'
import { isEverywhere } from '../model/pin.ts'
import type { PinState } from '../consensus/consensus.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { RemotePeers } from '../network/remote-peers.ts'

export interface HoldersInit { self: PeerId, peersetMetric: string }

export interface HoldersDeps {
  state: Pick<PinState, 'get'>
  monitor: Pick<Monitor, 'latest' | 'latestOf'>
  remotes: Pick<RemotePeers, 'info'>
}

/** Members beyond this many aren't told: whoever asks tries a few. */
const mostPeers = 16

/** The IPFS nodes of the other members that the pinset allocates this pin to, as far as their pings name them. None for what isn't pinned. */
export function holdersOf (cid: CID, { self, peersetMetric }: HoldersInit, deps: HoldersDeps): Holder[] {
  const { state, monitor } = deps
  const pin = state.get(cid)
  if (pin == null) return []
  const peers = isEverywhere(pin) ? monitor.latest(peersetMetric).map(({ peer }) => peer) : pin.allocations
  return peers.filter(peer => peer !== self).slice(0, mostPeers).flatMap(peer => holder(peer, deps) ?? [])
}

function holder (peer: PeerId, { monitor, remotes }: HoldersDeps): Holder | undefined {
  const { ipfsId, ipfsAddresses } = parsePingValue(monitor.latestOf('ping', peer)?.value ?? '{}')
  if (ipfsId === '') return undefined
  // pings tell only what can be reached from other machines
  const addresses = async (options: { signal?: AbortSignal }): Promise<readonly MultiaddrText[]> => ipfsAddresses.length > 0 ? ipfsAddresses : (await remotes.info(peer, options)).ipfs.addresses ?? []
  return { id: ipfsId, addresses: async options => (await addresses(options)).map(address => address.endsWith(`/p2p/${ipfsId}`) ? address : `${address}/p2p/${ipfsId}`) }
}
