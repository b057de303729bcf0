import type { CID, MultiaddrText, PeerId } from '../model/cid.ts'
import { parsePingValue } from '../model/metric.ts'
import { isEverywhere } from '../model/pin.ts'
import type { PinState } from '../consensus/consensus.ts'
import type { Monitor } from '../monitor/monitor.ts'

export interface HoldersInit { self: PeerId, peersetMetric: string }

export interface HoldersDeps {
  state: Pick<PinState, 'get'>
  monitor: Pick<Monitor, 'latest' | 'latestOf'>
}

/** Members beyond this many aren't told: whoever asks tries a few. */
const mostPeers = 16

/**
 * Addresses (with /p2p) of the IPFS nodes of the other members that the pinset allocates this pin to, as their pings tell them; `/p2p/ID` is
 * among them. Empty for what isn't pinned.
 */
export function holderAddresses (cid: CID, { self, peersetMetric }: HoldersInit, { state, monitor }: HoldersDeps): MultiaddrText[] {
  const pin = state.get(cid)
  if (pin == null) return []
  const peers = isEverywhere(pin) ? monitor.latest(peersetMetric).map(({ peer }) => peer) : pin.allocations
  return peers.filter(peer => peer !== self).slice(0, mostPeers).flatMap(peer => addressesOf(monitor.latestOf('ping', peer)?.value))
}

function addressesOf (ping: string | undefined): MultiaddrText[] {
  if (ping == null) return []
  const { ipfsId, ipfsAddresses } = parsePingValue(ping)
  if (ipfsId === '') return []
  // who tells no addresses may be connected all the same
  return ['', ...ipfsAddresses].map(address => address.endsWith(`/p2p/${ipfsId}`) ? address : `${address}/p2p/${ipfsId}`)
}
