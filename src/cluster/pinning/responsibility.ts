import { closestAmong } from '../../allocator/closest-peer.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { Members } from '../peers/members.ts'

export interface ResponsibilityDeps { members: Pick<Members, 'list' | 'self'>, consensus: Pick<Consensus, 'trusts'> }

/**
 * Says of which items this peer takes care when one peer of all has to act: those to whose CID it is closest among the trusted members and
 * itself (cluster.go). Every peer decides alone, so one that others don't trust counts itself all the same.
 */
export function responsibilityOf ({ members, consensus }: ResponsibilityDeps, without?: PeerId): (cid: CID) => boolean {
  const { self } = members
  const others = members.list().filter(peer => peer !== self && peer !== without && consensus.trusts(peer))
  if (others.length === 0) return () => true
  const closest = closestAmong([self, ...others])
  return cid => closest(cid) === self
}
