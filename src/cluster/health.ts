import { messageOf } from '../base/errors.ts'
import type { Consensus } from '../consensus/consensus.ts'
import type { IpfsConnector } from '../ipfs/ipfs.ts'
import type { Health, HealthProblem } from './cluster-api.ts'

export interface HealthDeps {
  consensus: Pick<Consensus, 'progress' | 'state'>
  ipfs: Pick<IpfsConnector, 'id'>
}

/** How this peer is, now. Never rejects: a node that doesn't answer is what is told. */
export async function healthOf ({ consensus, ipfs }: HealthDeps): Promise<Health> {
  const { heads, height, behind, dirty } = consensus.progress()
  const ipfsError = await ipfs.id().then(({ error }) => error, messageOf)
  const problems: Array<[HealthProblem, boolean]> = [['behind', behind], ['dirty', dirty], ['ipfs_unavailable', ipfsError !== '']]
  return {
    problems: problems.filter(([, is]) => is).map(([problem]) => problem),
    pins: consensus.state.size(),
    heads: heads.length,
    height
  }
}
