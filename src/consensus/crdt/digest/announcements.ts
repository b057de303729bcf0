import { keepNewest } from '../../../base/keep-newest.ts'
import type { CID, PeerId } from '../../../model/cid.ts'
import type { Announcement } from '../../pinset-digest.ts'

const mostPeers = 1000
const mostHeads = 256

/** What each peer announced last. Those that were silent for longest are forgotten when there are too many. */
export class Announcements {
  readonly byPeer = new Map<PeerId, Announcement>()

  note (peer: PeerId, heads: readonly CID[], at: number): void {
    this.byPeer.delete(peer)
    this.byPeer.set(peer, { heads: heads.slice(0, mostHeads), at })
    keepNewest(this.byPeer, mostPeers)
  }
}
