import { ClusterError } from '../../base/errors.ts'
import type { PeerId } from '../../model/cid.ts'
import type { RepoTotals } from '../../model/peer.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { Members } from '../peers/members.ts'
import type { Placement } from '../pinning/placement.ts'
import type { BalancePeer } from './balance-plan.ts'
import type { DrainingPeers } from './draining-peers.ts'

export interface BalancePeersDeps {
  members: Pick<Members, 'list'>
  monitor: Pick<Monitor, 'latestOf'>
  placement: Pick<Placement, 'candidates' | 'tags'>
  draining: Pick<DrainingPeers, 'has'>
  repoStat: (peer: PeerId, signal: AbortSignal) => Promise<RepoTotals>
}

/**
 * What peers are compared by. `equal`: all have the same share; else by what their repositories may hold. `by`: tags; default those of
 * `allocate_by`.
 */
export interface BalanceBy { by?: readonly string[] | undefined, equal?: boolean | undefined }

/**
 * The peers of a rebalance: those that are there, tell how much they may hold, and aren't drained; sorted. Throws INVALID_ARGUMENT for a
 * tag that no peer has, PEER_FAILED when a peer doesn't tell its size: a plan without it would fill the others.
 */
export async function balancePeers ({ by, equal }: BalanceBy, deps: BalancePeersDeps, signal: AbortSignal): Promise<BalancePeer[]> {
  const { members, monitor, placement, draining, repoStat } = deps
  const tags = by?.map(tag => tag.startsWith('tag:') ? tag : `tag:${tag}`) ?? placement.tags
  const peers = members.list().filter(peer => !draining.has(peer))
  const valueOf = (peer: PeerId, tag: string): string | undefined => monitor.latestOf(tag, peer)?.value
  for (const tag of by == null ? [] : tags) {
    if (!peers.some(peer => valueOf(peer, tag) != null)) {
      throw new ClusterError('INVALID_ARGUMENT', { tag }, { message: `no peer has the tag ${tag.slice('tag:'.length)}` })
    }
  }
  const able = new Set(placement.candidates(new Set()))
  return Promise.all(peers.map(async peer => ({
    peer,
    capacity: equal === true ? 1 : await capacityOf(peer, repoStat(peer, signal)),
    groups: tags.map(tag => valueOf(peer, tag) ?? ''),
    takes: able.has(peer)
  })))
}

async function capacityOf (peer: PeerId, stat: Promise<RepoTotals>): Promise<number> {
  try {
    const { storageMax } = await stat
    if (storageMax > 0) return storageMax
  } catch (cause) {
    throw new ClusterError('PEER_FAILED', { peer }, {
      message: `peer ${peer} does not report how much it may hold; equal shares do not need it`, cause
    })
  }
  throw new ClusterError('PEER_FAILED', { peer }, {
    message: `peer ${peer} does not report how much it may hold; equal shares do not need it`
  })
}
