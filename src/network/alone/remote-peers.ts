import { ClusterError } from '../../base/errors.ts'
import type { PeerId } from '../../model/cid.ts'
import type { RemotePeers } from '../remote-peers.ts'

/** The other peers of a peer that has none (or none yet): nobody can be reached. */
export function noRemotePeers (): RemotePeers {
  return {
    info: unreachable,
    status: unreachable,
    statusAll: nothing,
    recover: unreachable,
    recoverAll: nothing,
    repoGc: unreachable,
    repoStat: unreachable,
    swarmPeers: unreachable,
    putBlocks: unreachable
  }
}

async function unreachable (peer: PeerId): Promise<never> {
  throw new ClusterError('PEER_UNREACHABLE', { peer }, { message: 'routing: not found' })
}

async function * nothing (peer: PeerId): AsyncGenerator<never> {
  yield await unreachable(peer)
}
