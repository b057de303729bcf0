import type { PinProgress } from '../ipfs/ipfs.ts'
import type { CID, PeerId } from '../model/cid.ts'
import type { OperationProgress } from '../tracker/tracker.ts'

/** What a peer knows of a pin under way on it: the tracker's operation and how far its IPFS node is. */
export interface PinProgressReport { operation: OperationProgress | null, ipfs: PinProgress | null }

/** Asks other peers how far a pin is on them, by a protocol of our own: Go peers can't say. */
export interface RemoteProgress {
  /**
   * Rejects with UNSUPPORTED when the peer doesn't speak the protocol, PEER_UNREACHABLE, NOT_AUTHORIZED when it doesn't trust us,
   * INVALID_DATA for an answer that is none, or the signal's reason.
   */
  progress (peer: PeerId, cid: CID, options?: { signal?: AbortSignal }): Promise<PinProgressReport>
}
