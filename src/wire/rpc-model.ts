import type { CID } from 'multiformats/cid'
import type { PeerInfo, RepoGc } from '../model/peer.ts'
import type { PinInfo } from '../model/pin-info.ts'
import { modeOfDepth, pinTypes, type Pin, type PinType } from '../model/pin.ts'
import { statusName, trackerStatuses } from '../model/status.ts'
import { zeroTime, type Time } from '../model/time.ts'
import { ClusterError } from '../base/errors.ts'
import type { WireTime } from './rpc-schema.ts'
import type * as types from './rpc-types.ts'
import type { WireRecord } from './rpc-types.ts'

/** Between the model and the records of Go's RPC. What isn't on the wire gets the model's "not set". */

const typeNames = new Map(Object.entries(pinTypes).map(([name, bits]) => [bits as number, name as PinType]))

/** Leaves out what Go's omitempty leaves out. */
function compact<T extends object> (record: T): T {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== undefined && value !== '' && value !== 0 && value !== false && value !== 0n)
  ) as T
}

/** A time as Go's codec sends it; nothing for the zero time. */
function timeToWire (time: Time): WireTime | undefined {
  if (time === zeroTime) return undefined
  const micros = Math.round(time * 1000)
  const seconds = Math.floor(micros / 1_000_000)
  return { seconds: BigInt(seconds), nanoseconds: (micros - seconds * 1_000_000) * 1000 }
}

/** The reverse of `timeToWire`. */
const timeFromWire = (time: WireTime | null | undefined): Time =>
  time == null ? zeroTime : Number(time.seconds) * 1000 + time.nanoseconds / 1e6

function required (cid: CID | null | undefined, what: string): CID {
  if (cid == null) throw new ClusterError('INVALID_DATA', {}, { message: `${what} without a CID` })
  return cid
}

/** A pin as Go's RPC sends it (api/types.go); what is missing is Go's zero. */
export function pinFromWire (wire: WireRecord<typeof types.pin>): Pin {
  const maxDepth = wire.max_depth ?? 0
  return {
    replicationFactorMin: wire.replication_factor_min ?? 0,
    replicationFactorMax: wire.replication_factor_max ?? 0,
    name: wire.name ?? '',
    mode: wire.mode === 1 ? 'direct' : modeOfDepth(maxDepth),
    shardSize: wire.shard_size ?? 0,
    userAllocations: wire.user_allocations ?? [],
    expireAt: timeFromWire(wire.expire_at),
    metadata: { ...wire.metadata },
    pinUpdate: wire.pin_update ?? null,
    origins: wire.origins ?? [],
    cid: required(wire.cid, 'a pin'),
    type: typeNames.get(wire.type ?? 0) ?? 'bad-type',
    allocations: wire.allocations ?? [],
    maxDepth,
    reference: wire.reference ?? null,
    timestamp: timeFromWire(wire.timestamp)
  }
}

/** One peer's view of a pin as Go's RPC sends it (api/types.go). */
export function pinInfoToWire (info: PinInfo): WireRecord<typeof types.pinInfo> {
  const created = timeToWire(info.created)
  const timestamp = timeToWire(info.timestamp)
  return {
    cid: info.cid,
    ...compact({ name: info.name, peer: info.peer }),
    ...(info.allocations == null ? {} : { allocations: info.allocations }),
    ...(info.origins == null ? {} : { origins: info.origins }),
    ...(created == null ? {} : { created }),
    // Go leaves out an empty map, and prints one that it was sent as {}
    ...(info.metadata == null || Object.keys(info.metadata).length === 0 ? {} : { metadata: info.metadata }),
    ...compact({ peername: info.peerName, ipfs_peer_id: info.ipfsPeerId }),
    ...(info.ipfsPeerAddresses.length > 0 ? { ipfs_peer_addresses: info.ipfsPeerAddresses } : {}),
    ...compact({ status: trackerStatuses[info.status] }),
    ...(timestamp == null ? {} : { timestamp }),
    ...compact({ error: info.error, attempt_count: info.attemptCount, priority_pin: info.priorityPin })
  }
}

/** A status as another peer sent it. What is missing on the wire is empty, as in Go. Throws INVALID_DATA without a CID. */
export function pinInfoFromWire (wire: WireRecord<typeof types.pinInfo>): PinInfo {
  return {
    cid: required(wire.cid, 'a status'),
    name: wire.name ?? '',
    peer: wire.peer ?? '',
    allocations: wire.allocations ?? null,
    origins: wire.origins ?? null,
    created: timeFromWire(wire.created),
    metadata: wire.metadata == null ? null : { ...wire.metadata },
    peerName: wire.peername ?? '',
    ipfsPeerId: wire.ipfs_peer_id ?? '',
    ipfsPeerAddresses: wire.ipfs_peer_addresses ?? [],
    status: statusName(wire.status ?? 0),
    timestamp: timeFromWire(wire.timestamp),
    error: wire.error ?? '',
    attemptCount: wire.attempt_count ?? 0,
    priorityPin: wire.priority_pin ?? false
  }
}

/** A peer as Go's RPC sends it (api/types.go). */
export function peerInfoToWire (peer: PeerInfo): WireRecord<typeof types.id> {
  const { ipfs } = peer
  const ipfsRecord = {
    ...compact({ id: ipfs.id }), ...(ipfs.addresses == null ? {} : { addresses: ipfs.addresses }), ...compact({ error: ipfs.error })
  }
  return {
    ...compact({ id: peer.id }),
    ...(peer.addresses == null ? {} : { addresses: peer.addresses }),
    ...(peer.clusterPeers == null ? {} : { cluster_peers: peer.clusterPeers }),
    ...(peer.clusterPeersAddresses == null ? {} : { cluster_peers_addresses: peer.clusterPeersAddresses }),
    ...compact({ version: peer.version, commit: peer.commit, rpc_protocol_version: peer.rpcProtocolVersion, error: peer.error }),
    ...(Object.keys(ipfsRecord).length > 0 ? { ipfs: ipfsRecord } : {}),
    ...compact({ peername: peer.peerName })
  }
}

/** What another peer says of itself. What is missing on the wire is empty, as in Go. */
export function peerInfoFromWire (wire: WireRecord<typeof types.id>): PeerInfo {
  return {
    id: wire.id ?? '',
    addresses: wire.addresses ?? null,
    clusterPeers: wire.cluster_peers ?? null,
    clusterPeersAddresses: wire.cluster_peers_addresses ?? null,
    version: wire.version ?? '',
    commit: wire.commit ?? '',
    rpcProtocolVersion: wire.rpc_protocol_version ?? '',
    error: wire.error ?? '',
    ipfs: { id: wire.ipfs?.id ?? '', addresses: wire.ipfs?.addresses ?? null, error: wire.ipfs?.error ?? '' },
    peerName: wire.peername ?? ''
  }
}

/** The result of a collection as Go's RPC sends it (api/types.go). */
export function repoGcToWire (gc: RepoGc): WireRecord<typeof types.repoGc> {
  return {
    peer: gc.peer,
    ...compact({ peername: gc.peerName }),
    keys: gc.keys.map(({ key, error }) => ({ ...(key == null ? {} : { key }), ...compact({ error }) })),
    ...compact({ error: gc.error })
  }
}

/** What another peer's garbage collection did. What is missing on the wire is empty, as in Go. */
export function repoGcFromWire (wire: WireRecord<typeof types.repoGc>): RepoGc {
  return {
    peer: wire.peer ?? '',
    peerName: wire.peername ?? '',
    keys: (wire.keys ?? []).map(one => ({ key: one.key ?? null, error: one.error ?? '' })),
    error: wire.error ?? ''
  }
}
