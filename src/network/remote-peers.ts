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
  /** Who the peer is, as it says itself. */
  info (peer: PeerId, options?: RemoteOptions): Promise<PeerInfo>
  /** A pin on that peer. */
  status (peer: PeerId, cid: CID, options?: RemoteOptions): Promise<PinInfo>
  /** All pins on that peer that pass the filter, in batches. */
  statusAll (peer: PeerId, filter: StatusFilter, options?: RemoteOptions): AsyncIterable<PinInfo[]>
  /** Has the peer try again what failed or is missing of a pin; the status afterwards. */
  recover (peer: PeerId, cid: CID, options?: RemoteOptions): Promise<PinInfo>
  /** The same for all of its pins; gives those that it tries again. */
  recoverAll (peer: PeerId, options?: RemoteOptions): AsyncIterable<PinInfo[]>
  /** Collects garbage there: takes as long as that takes. */
  repoGc (peer: PeerId, options?: RemoteOptions): Promise<RepoGc>
  /** What its repository holds and may hold, in bytes. */
  repoStat (peer: PeerId, options?: RemoteOptions): Promise<RepoTotals>
  /** IPFS peers that the peer's IPFS node is connected to. */
  swarmPeers (peer: PeerId, options?: RemoteOptions): Promise<PeerId[]>
  /** Stores blocks on the peer's IPFS node while they are read. */
  putBlocks (peer: PeerId, blocks: AsyncIterable<readonly Block[]>, options?: RemoteOptions): Promise<void>
}
