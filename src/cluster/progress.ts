import type { IpfsConnector } from '../ipfs/ipfs.ts'
import type { CID, PeerId } from '../model/cid.ts'
import type { PinTracker } from '../tracker/tracker.ts'
import type { PeerPinProgress } from './cluster-api.ts'

export interface ProgressDeps {
  self: PeerId
  peerName: string
  tracker: Pick<PinTracker, 'operation'>
  ipfs: Pick<IpfsConnector, 'progress'>
}

/** What this peer knows of a pin under way: the tracker's operation and how far the node is. Other peers can't be asked yet. */
export function progressHere (cid: CID, { self, peerName, tracker, ipfs }: ProgressDeps): PeerPinProgress {
  return { peer: self, peerName, operation: tracker.operation(cid) ?? null, ipfs: ipfs.progress(cid) ?? null, error: '' }
}
