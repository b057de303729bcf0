import { ClusterError } from '../../base/errors.ts'
import type { AllocatedPeer, AllocatedPeers, NodePlace } from '../../ipfs/allocated-peers.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import { parsePingValue } from '../../model/metric.ts'
import { isEverywhere } from '../../model/pin.ts'
import type { PinState } from '../../consensus/consensus.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { RemoteOptions, RemotePeers } from '../../network/remote-peers.ts'

export interface AllocatedPeersInit { self: PeerId, peersetMetric: string }

export interface AllocatedPeersDeps {
  state: Pick<PinState, 'get'>
  monitor: Pick<Monitor, 'latest' | 'latestOf' | 'lastKnownOf'>
  remotes: Pick<RemotePeers, 'info'>
  /** Whether this peer has begun so lately that members may live of whom it hasn't heard yet. */
  isFresh: () => boolean
}

/** Members beyond this many aren't told: whoever asks tries a few. */
const mostPeers = 16

/**
 * The other members that the pinset allocates this pin to and that live: whose ping holds, or of whom nothing was heard yet. All of them
 * for what isn't pinned as far as this peer knows.
 */
export function allocatedPeersOf (cid: CID, { self, peersetMetric }: AllocatedPeersInit, deps: AllocatedPeersDeps): AllocatedPeers {
  const { state, monitor } = deps
  const pin = state.get(cid)
  const isFresh = deps.isFresh()
  const isByAll = pin == null || isEverywhere(pin)
  const peers = isByAll ? monitor.latest(peersetMetric).map(({ peer }) => peer) : pin.allocations
  const live = peers.filter(peer => peer !== self && lives(peer, { ...deps, isFresh: () => isFresh }))
  return {
    list: live.slice(0, mostPeers).map(peer => holder(peer, deps)), mayGrow: isFresh && pin != null && isByAll, isGuess: pin == null
  }
}

/** Whose ping has expired doesn't. */
const lives = (peer: PeerId, { monitor, isFresh }: AllocatedPeersDeps): boolean =>
  monitor.latestOf('ping', peer) != null || (isFresh() && monitor.lastKnownOf('ping', peer) == null)

function holder (peer: PeerId, { monitor, remotes }: AllocatedPeersDeps): AllocatedPeer {
  const { ipfsId, ipfsAddresses } = parsePingValue(monitor.latestOf('ping', peer)?.value ?? '{}')
  return {
    peer,
    id: ipfsId === '' ? undefined : ipfsId,
    // pings tell only what can be reached from other machines, and nothing of the IPFS node while it begins
    locate: async options => {
      const isTold = ipfsId !== '' && ipfsAddresses.length > 0
      return placeOf(isTold ? { id: ipfsId, addresses: ipfsAddresses } : await askedPlace(peer, remotes, options))
    }
  }
}

async function askedPlace (peer: PeerId, remotes: AllocatedPeersDeps['remotes'], options: RemoteOptions): Promise<NodePlace> {
  const { ipfs: { id, addresses } } = await remotes.info(peer, options)
  if (id === '') throw new ClusterError('IPFS_UNAVAILABLE', { peer }, { message: 'the peer does not know its IPFS node' })
  return { id, addresses: addresses ?? [] }
}

const placeOf = ({ id, addresses }: NodePlace): NodePlace =>
  ({ id, addresses: addresses.map(address => address.endsWith(`/p2p/${id}`) ? address : `${address}/p2p/${id}`) })
