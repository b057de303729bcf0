import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { PeerId } from '../../model/cid.ts'
import type { RepoTotals } from '../../model/peer.ts'
import type { RemotePeers } from '../../network/remote-peers.ts'
import type { CallOptions } from '../cluster-api.ts'
import { peerAnswerMs, within } from '../deadline.ts'
import type { Members } from '../peers/members.ts'

export interface RepoStatDeps {
  members: Pick<Members, 'self' | 'list'>
  ipfs: Pick<IpfsConnector, 'repoStat'>
  remotes: Pick<RemotePeers, 'repoStat'>
  clock: Clock
  log: Logger
}

/**
 * What the repositories of all members use and may use together. Who doesn't answer is left out; rejects with the first error when nobody
 * does.
 */
export async function totalRepoStat (
  { members, ipfs, remotes, clock, log }: RepoStatDeps, { signal }: CallOptions = {}
): Promise<RepoTotals> {
  const ask = async (peer: PeerId): Promise<RepoTotals> => within({ clock, ms: peerAnswerMs, signal }, async limit =>
    peer === members.self ? ipfs.repoStat({ signal: limit }) : remotes.repoStat(peer, { signal: limit }))
  const answers = await Promise.allSettled(members.list().map(ask))
  signal?.throwIfAborted()
  const known = answers.filter(answer => answer.status === 'fulfilled').map(({ value }) => value)
  for (const answer of answers) {
    if (answer.status !== 'rejected') continue
    if (known.length === 0) throw answer.reason
    log.debug('a peer did not report the size of its repository', { err: answer.reason })
  }
  return {
    repoSize: known.reduce((sum, { repoSize }) => sum + repoSize, 0),
    storageMax: known.reduce((sum, { storageMax }) => sum + storageMax, 0)
  }
}
