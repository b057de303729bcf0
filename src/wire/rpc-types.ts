import {
  always, bigInt, bigUint, bool, bytes, cid, field, float, int, list, maddr, maxAddresses, mapOf, peer, struct, text, time, uint,
  type WireCodec
} from './rpc-schema.ts'

const addresses = list(maddr, maxAddresses)

/** The types of Go's internal RPC (rpc_api.go): keys, order and what is always written. The names are those of Go's JSON. */

/** go-libp2p-gorpc's ServiceID, the head of every call. */
export const serviceId = struct({ name: always('Name', text), method: always('Method', text) })
/** go-libp2p-gorpc's Response, the head of every reply. `errorType` 0: no error. */
export const responseHeader = struct({
  service: field('Service', serviceId), error: field('Error', text), errorType: field('ErrType', int)
})
/** Go's struct{}, for calls without argument or reply. */
export const empty = struct({})
/** Go's api.Version. */
export const version = struct({ version: always('v', text) })
/** Go's api.IPFSID. */
export const ipfsId = struct({ id: field('i', peer), addresses: field('a', addresses), error: field('e', text) })

/** Go's api.ID. */
export const id = struct({
  id: field('i', peer),
  addresses: field('a', addresses),
  cluster_peers: field('cp', list(peer)),
  cluster_peers_addresses: field('cpa', addresses),
  version: field('v', text),
  commit: field('c', text),
  rpc_protocol_version: field('rv', text),
  error: field('e', text),
  ipfs: field('ip', ipfsId),
  peername: field('pn', text)
})

const pinOptions = {
  replication_factor_min: field('rn', int),
  replication_factor_max: field('rx', int),
  name: field('n', text),
  mode: field('o', int),
  shard_size: field('s', uint),
  user_allocations: field('ua', list(peer)),
  expire_at: field('e', time),
  metadata: field('m', mapOf(text)),
  pin_update: field('pu', cid),
  origins: field('g', addresses)
}

/** Go's api.Pin, the options in the same map. */
export const pin = struct({
  ...pinOptions,
  cid: always('c', cid),
  type: field('t', uint),
  allocations: field('a', list(peer)),
  max_depth: field('d', int),
  reference: field('r', cid),
  timestamp: field('i', time)
})

/** Go's api.PinPath: options for a path that is still to be resolved. */
export const pinPath = struct({ ...pinOptions, path: always('path', text) })

const pinInfoShortFields = {
  peername: field('pn', text),
  ipfs_peer_id: field('i', peer),
  ipfs_peer_addresses: field('ia', addresses),
  status: field('st', int),
  timestamp: field('ts', time),
  error: field('e', text),
  attempt_count: field('a', int),
  priority_pin: field('y', bool)
}
const pinInfoShort = struct(pinInfoShortFields)

/** Go's api.PinInfo: a pin on one peer. */
export const pinInfo = struct({
  cid: always('c', cid),
  name: field('m', text),
  peer: field('p', peer),
  allocations: field('o', list(peer)),
  origins: field('g', addresses),
  created: field('t', time),
  metadata: field('md', mapOf(text)),
  ...pinInfoShortFields
})

/** Go's api.GlobalPinInfo: a pin on all peers. */
export const globalPinInfo = struct({
  cid: always('c', cid),
  name: always('n', text),
  allocations: field('a', list(peer)),
  origins: field('g', addresses),
  created: field('t', time),
  metadata: field('m', mapOf(text)),
  peer_map: field('pm', mapOf(pinInfoShort))
})

/** Go's api.IPFSPinInfo. `type`: how it is pinned at the IPFS node. */
export const ipfsPinInfo = struct({ cid: always('c', cid), type: always('t', int) })

/** Go's api.ConnectGraph. */
export const connectGraph = struct({
  cluster_id: always('id', peer),
  id_to_peername: field('ip', mapOf(text)),
  ipfs_links: field('il', mapOf(list(peer))),
  cluster_links: field('cl', mapOf(list(peer))),
  cluster_trust_links: field('ctl', mapOf(bool)),
  cluster_to_ipfs: field('ci', mapOf(peer))
})

/** A line of an add (api/add.go). No method of Go's carries it. */
export const addedOutput = struct({
  name: field('n', text), cid: always('c', cid), bytes: field('b', uint), size: field('s', uint), allocations: field('a', list(peer))
})

/** A block on its way to another peer; `cum_size` is the cumulative size of the DAG below it. */
export const nodeWithMeta = struct({ data: field('d', bytes), cid: field('c', cid), cum_size: field('s', uint) })

const metricFields = {
  name: field('n', text),
  peer: field('p', peer),
  value: field('v', text),
  expire: field('e', bigInt),
  valid: field('d', bool),
  weight: field('w', bigInt),
  partitionable: field('o', bool),
  received_at: field('t', bigInt)
}
/** Go's api.Metric. `value` is a text whose meaning belongs to its name. */
export const metric = struct(metricFields)
/** Go's api.Alert: a metric that expired, and when that was noticed. */
export const alert = struct({ ...metricFields, triggered_at: field('r', time) })

const bandwidth = struct({
  total_in: field('i', int), total_out: field('o', int), rate_in: field('ri', float), rate_out: field('ro', float)
})
/** Go's map of libp2p's counters, by protocol. */
export const bandwidthByProtocol = mapOf(bandwidth)

/** `storage_max` is always written: its tag in Go has a malformed option. */
export const ipfsRepoStat = struct({ repo_size: field('r', bigUint), storage_max: always('s', bigUint) })
const ipfsRepoGc = struct({ key: field('k', cid), error: field('e', text) })
/** Go's api.RepoGC: a collection on one peer. */
export const repoGc = struct({
  peer: field('p', peer), peername: field('pn', text), keys: always('k', list(ipfsRepoGc)), error: field('e', text)
})
/** Go's api.GlobalRepoGC, by peer. */
export const globalRepoGc = struct({ peer_map: field('pm', mapOf(repoGc)) })

/** The record type of a codec. */
export type WireRecord<C> = C extends WireCodec<infer T> ? T : never
