import type { CID, MultiaddrText, PeerId } from './cid.ts'
import type { TrackerStatus } from './status.ts'
import type { Time } from './time.ts'
import { formatTime } from './time.ts'
import { sortedByKey } from './pin.ts'

/** What one peer says of one pin, without what is the same on every peer. */
export interface PinInfoShort {
  peerName: string
  /** '' when the IPFS node isn't known. */
  ipfsPeerId: PeerId
  ipfsPeerAddresses: MultiaddrText[]
  status: TrackerStatus
  timestamp: Time
  error: string
  attemptCount: number
  priorityPin: boolean
}

/** What is the same on every peer. `allocations` and `origins` null: not known to the peer that answered. */
export interface PinInfoHead {
  cid: CID
  name: string
  allocations: PeerId[] | null
  origins: MultiaddrText[] | null
  created: Time
  metadata: Record<string, string> | null
}

/** The status of one pin on one peer. */
export interface PinInfo extends PinInfoHead, PinInfoShort {
  peer: PeerId
}

/** The status of one pin on several peers. */
export interface GlobalPinInfo extends PinInfoHead {
  peerMap: Map<PeerId, PinInfoShort>
}

/** A pin's status as lists have it, with this one peer in its map. */
export function globalFromLocal (info: PinInfo): GlobalPinInfo {
  const { cid, name, allocations, origins, created, metadata } = info
  return { cid, name, allocations, origins, created, metadata, peerMap: new Map<PeerId, PinInfoShort>().set(info.peer, info) }
}

/** What a peer that shall have a pin says when nothing is missing; the others aren't asked to have it, or have it as shards. */
const satisfied: ReadonlySet<TrackerStatus> = new Set<TrackerStatus>(['pinned', 'remote', 'sharded', 'undefined'])

/**
 * True when fewer peers have the pin than shall have it: because they are gone or have failed, or because they haven't got it yet. A peer
 * without an answer counts only when it shall have the pin, which an empty or unknown list of allocations says of all.
 */
export const isUnderReplicated = ({ peerMap, allocations }: Pick<GlobalPinInfo, 'peerMap' | 'allocations'>): boolean => {
  const shallHave = (peer: PeerId): boolean => allocations == null || allocations.length === 0 || allocations.includes(peer)
  return [...peerMap].some(([peer, { status }]) => !satisfied.has(status) && (status !== 'cluster_error' || shallHave(peer)))
}

/** One peer's row of a pin, keys in Go's order (api/types.go). */
function pinInfoShortJson (info: PinInfoShort): Record<string, unknown> {
  return {
    peername: info.peerName,
    ...(info.ipfsPeerId === '' ? {} : { ipfs_peer_id: info.ipfsPeerId }),
    ...(info.ipfsPeerAddresses.length === 0 ? {} : { ipfs_peer_addresses: info.ipfsPeerAddresses }),
    status: info.status,
    timestamp: formatTime(info.timestamp),
    error: info.error,
    attempt_count: info.attemptCount,
    priority_pin: info.priorityPin
  }
}

/** The object that Go prints for a GlobalPinInfo; peers in byte order of their IDs. */
export function globalPinInfoJson (info: GlobalPinInfo): Record<string, unknown> {
  const peers = [...info.peerMap].toSorted(([a], [b]) => a < b ? -1 : 1)
  return {
    cid: info.cid.toString(),
    name: info.name,
    allocations: info.allocations,
    origins: info.origins,
    created: formatTime(info.created),
    metadata: info.metadata == null || Object.keys(info.metadata).length === 0 ? null : sortedByKey(info.metadata),
    peer_map: Object.fromEntries(peers.map(([peer, short]) => [peer, pinInfoShortJson(short)]))
  }
}
