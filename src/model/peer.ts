import type { CID, MultiaddrText, PeerId } from './cid.ts'

/** The IPFS side of a peer. `addresses` null and an error when it can't be asked. */
export interface IpfsId { id: PeerId, addresses: MultiaddrText[] | null, error: string }

/** A cluster peer as `GET /id` shows it. A dead peer has only `id` and `error`. */
export interface PeerInfo {
  id: PeerId
  addresses: MultiaddrText[] | null
  clusterPeers: PeerId[] | null
  clusterPeersAddresses: MultiaddrText[] | null
  version: string
  commit: string
  rpcProtocolVersion: string
  error: string
  ipfs: IpfsId
  peerName: string
}

/** Go's protocol of the calls between peers. It is named after version 1.0, and is the same in 1.1.6. */
export const rpcProtocol = '/ipfscluster/1.0/rpc'

/** An IPFS node, keys in Go's order (api/types.go). */
function ipfsIdJson (ipfs: IpfsId): Record<string, unknown> {
  return { ...(ipfs.id === '' ? {} : { id: ipfs.id }), addresses: ipfs.addresses, error: ipfs.error }
}

/** A peer, keys in Go's order (api/types.go). */
export function peerInfoJson (peer: PeerInfo): Record<string, unknown> {
  return {
    id: peer.id,
    addresses: peer.addresses,
    cluster_peers: peer.clusterPeers,
    cluster_peers_addresses: peer.clusterPeersAddresses,
    version: peer.version,
    commit: peer.commit,
    rpc_protocol_version: peer.rpcProtocolVersion,
    error: peer.error,
    ipfs: ipfsIdJson(peer.ipfs),
    peername: peer.peerName
  }
}

/** Bytes and rates (bytes per second) of one libp2p protocol. */
export interface Bandwidth { totalIn: number, totalOut: number, rateIn: number, rateOut: number }

/** Who is connected to whom. */
export interface ConnectGraph {
  clusterId: PeerId
  idToPeerName: Record<PeerId, string>
  ipfsLinks: Record<PeerId, PeerId[]>
  clusterLinks: Record<PeerId, PeerId[]>
  clusterTrustLinks: Record<PeerId, boolean>
  clusterToIpfs: Record<PeerId, PeerId>
}

/** Bytes that repositories use, and may use. */
export interface RepoTotals { repoSize: number, storageMax: number }

/** One key that the garbage collector removed, or failed to. */
export interface RemovedKey { key: CID | null, error: string }

/** What a garbage collection did on one peer. */
export interface RepoGc { peer: PeerId, peerName: string, keys: RemovedKey[], error: string }

/** What a collection removed on one peer, keys in Go's order (api/types.go). */
export function repoGcJson (gc: RepoGc): Record<string, unknown> {
  return {
    peer: gc.peer,
    peername: gc.peerName,
    keys: gc.keys.map(({ key, error }) => ({ key: key?.toString() ?? null, ...(error === '' ? {} : { error }) })),
    ...(gc.error === '' ? {} : { error: gc.error })
  }
}
