import { goJson } from '../../../src/model/go-json.ts'
import { sortedByKey } from '../../../src/model/pin.ts'
import { trackerStatuses } from '../../../src/model/status.ts'
import { neverText } from '../../../src/client/types.ts'
import type { Added, Alert, Bandwidth, GlobalPinInfo, GlobalRepoGc, Id, Metric, Pin, PinInfo, RepoGc } from '../../../src/client/types.ts'

/**
 * What `--enc=json` prints: the API's objects with the keys that Go knows, in Go's order, with Go's values for what is missing. (A newer
 * peer may send more; scripts see the same as ever.)
 */
export const jsonText = (value: unknown): string => `${goJson(value, { indent: 4 })}\n`

const sortedMetadata = (metadata: Record<string, string> | null | undefined): Record<string, string> | null =>
  metadata == null ? null : sortedByKey(metadata)

/** A peer in Go's order of keys. So are all below: `--enc json` prints what Go's ctl prints. */
export function idObject (id: Id): unknown {
  const { id: ipfsId, addresses, error } = id.ipfs ?? {}
  return {
    id: id.id,
    addresses: id.addresses ?? null,
    cluster_peers: id.cluster_peers ?? null,
    cluster_peers_addresses: id.cluster_peers_addresses ?? null,
    version: id.version ?? '',
    commit: id.commit ?? '',
    rpc_protocol_version: id.rpc_protocol_version ?? '',
    error: id.error ?? '',
    ipfs: { ...(ipfsId == null || ipfsId === '' ? {} : { id: ipfsId }), addresses: addresses ?? null, error: error ?? '' },
    peername: id.peername ?? ''
  }
}

/** A pin of the pinset. */
export function pinObject (pin: Pin): unknown {
  return {
    replication_factor_min: pin.replication_factor_min ?? 0,
    replication_factor_max: pin.replication_factor_max ?? 0,
    name: pin.name ?? '',
    mode: pin.mode === 'direct' ? 'direct' : 'recursive',
    shard_size: pin.shard_size ?? 0,
    user_allocations: pin.user_allocations ?? null,
    expire_at: pin.expire_at ?? neverText,
    metadata: sortedMetadata(pin.metadata),
    pin_update: pin.pin_update ?? null,
    origins: pin.origins ?? null,
    cid: pin.cid ?? null,
    type: pin.type ?? 'bad-type',
    allocations: pin.allocations ?? null,
    max_depth: pin.max_depth ?? 0,
    reference: pin.reference ?? null,
    timestamp: pin.timestamp ?? neverText
  }
}

/** A pin's status. */
export function statusObject (info: GlobalPinInfo): unknown {
  const peers = Object.entries(info.peer_map ?? {}).toSorted(([a], [b]) => a < b ? -1 : 1)
  return {
    cid: info.cid ?? null,
    name: info.name ?? '',
    allocations: info.allocations ?? null,
    origins: info.origins ?? null,
    created: info.created ?? neverText,
    metadata: sortedMetadata(info.metadata),
    peer_map: Object.fromEntries(peers.map(([peer, one]) => [peer, peerStatusObject(one)]))
  }
}

function peerStatusObject (one: PinInfo): unknown {
  return {
    peername: one.peername ?? '',
    ...(one.ipfs_peer_id == null || one.ipfs_peer_id === '' ? {} : { ipfs_peer_id: one.ipfs_peer_id }),
    ...(one.ipfs_peer_addresses == null || one.ipfs_peer_addresses.length === 0 ? {} : { ipfs_peer_addresses: one.ipfs_peer_addresses }),
    status: Object.hasOwn(trackerStatuses, one.status) ? one.status : 'undefined',
    timestamp: one.timestamp ?? neverText,
    error: one.error ?? '',
    attempt_count: one.attempt_count ?? 0,
    priority_pin: one.priority_pin ?? false
  }
}

/** What was added. */
export function addedObject ({ name, cid, bytes, size, allocations }: Added): unknown {
  return {
    name,
    cid,
    ...(bytes == null || bytes === 0 ? {} : { bytes }),
    ...(size == null || size === 0 ? {} : { size }),
    ...(allocations == null || allocations.length === 0 ? {} : { allocations })
  }
}

/** A metric, its times as numbers of nanoseconds. */
export function metricObject (
  { name, peer, value, expire, valid, weight, partitionable, received_at: receivedAt }: Metric
): Record<string, unknown> {
  return { name, peer, value, expire, valid, weight, partitionable, received_at: receivedAt }
}

/** An alert: its metric, and when it was triggered. */
export const alertObject = (alert: Alert): unknown => ({ ...metricObject(alert), triggered_at: alert.triggered_at })

/** Libp2p's counters, by protocol. */
export function bandwidthObject (bandwidth: Readonly<Record<string, Bandwidth>>): unknown {
  return Object.fromEntries(Object.keys(bandwidth).toSorted().map(protocol => [protocol, bandwidth[protocol]]))
}

/** A collection, by peer. */
export function repoGcObject ({ peer_map: peers }: GlobalRepoGc): unknown {
  return { peer_map: Object.fromEntries(Object.keys(peers).toSorted().map(peer => [peer, peerGcObject(peers[peer] as RepoGc)])) }
}

function peerGcObject ({ peer, peername, keys, error = '' }: RepoGc): unknown {
  return {
    peer,
    peername,
    keys: keys?.map(one => ({ key: one.key, ...(one.error == null || one.error === '' ? {} : { error: one.error }) })) ?? null,
    ...(error === '' ? {} : { error })
  }
}
