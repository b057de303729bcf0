import type { CID } from 'multiformats/cid'
import type { Block } from '../blockstore/blockstore.ts'
import type { PeerId } from '../model/cid.ts'
import type { PeerInfo, RepoGc, RepoTotals } from '../model/peer.ts'
import type { PinInfo } from '../model/pin-info.ts'
import type { StatusFilter } from '../model/status.ts'

export interface RemoteOptions { signal?: AbortSignal }

/**
 * What the use cases ask of other peers; over the wire these are Go's RPC methods. Every method rejects with PEER_UNREACHABLE when the peer
 * can't be reached and NOT_AUTHORIZED when it refuses us; other failures keep the peer's text.
 */
export interface RemotePeers {
  info (peer: PeerId, options?: RemoteOptions): Promise<PeerInfo>
  status (peer: PeerId, cid: CID, options?: RemoteOptions): Promise<PinInfo>
  statusAll (peer: PeerId, filter: StatusFilter, options?: RemoteOptions): AsyncIterable<PinInfo[]>
  recover (peer: PeerId, cid: CID, options?: RemoteOptions): Promise<PinInfo>
  recoverAll (peer: PeerId, options?: RemoteOptions): AsyncIterable<PinInfo[]>
  repoGc (peer: PeerId, options?: RemoteOptions): Promise<RepoGc>
  repoStat (peer: PeerId, options?: RemoteOptions): Promise<RepoTotals>
  /** IPFS peers that the peer's IPFS node is connected to. */
  swarmPeers (peer: PeerId, options?: RemoteOptions): Promise<PeerId[]>
  /** Stores blocks on the peer's IPFS node while they are read. */
  putBlocks (peer: PeerId, blocks: AsyncIterable<readonly Block[]>, options?: RemoteOptions): Promise<void>
}
