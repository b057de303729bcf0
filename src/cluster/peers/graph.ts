import type { Consensus } from '../../consensus/consensus.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { PeerId } from '../../model/cid.ts'
import type { ConnectGraph, PeerInfo } from '../../model/peer.ts'
import type { RemotePeers } from '../../network/remote-peers.ts'
import type { Clock } from '../../base/clock.ts'
import type { CallOptions } from '../cluster-api.ts'
import { peerAnswerMs, within } from '../deadline.ts'
import type { Members } from './members.ts'
import type { Peers } from './peers.ts'

export interface GraphDeps {
  members: Members
  peers: Pick<Peers, 'all'>
  consensus: Pick<Consensus, 'trusts'>
  ipfs: Pick<IpfsConnector, 'swarmPeers'>
  remotes: Pick<RemotePeers, 'swarmPeers'>
  clock: Clock
}

/**
 * Who is connected to whom, as far as it can be told by asking each member once: a member is linked to the peers that it counts as members
 * and that answered us. Peers that didn't answer have no links; peers whose IPFS node didn't have none to other IPFS nodes.
 */
export async function connectGraph (deps: GraphDeps, call: CallOptions = {}): Promise<ConnectGraph> {
  const { members, consensus } = deps
  const peers = members.list()
  const graph: ConnectGraph = {
    clusterId: members.self, idToPeerName: {}, ipfsLinks: {}, clusterLinks: {}, clusterTrustLinks: {}, clusterToIpfs: {}
  }
  const answers = new Map<PeerId, PeerInfo>()
  for await (const info of deps.peers.all(call)) {
    if (info.error === '') answers.set(info.id, info)
  }
  for (const peer of peers) {
    graph.clusterTrustLinks[peer] = consensus.trusts(peer)
    graph.clusterLinks[peer] = linksOf(answers.get(peer), answers)
  }
  for (const info of answers.values()) graph.idToPeerName[info.id] = info.peerName
  await Promise.all([...answers.values()].map(async info => addIpfsLinks(graph, info, deps, call)))
  return graph
}

const linksOf = (info: PeerInfo | undefined, answers: ReadonlyMap<PeerId, PeerInfo>): PeerId[] =>
  (info?.clusterPeers ?? []).filter(peer => peer !== info?.id && answers.has(peer))

async function addIpfsLinks (graph: ConnectGraph, { id, ipfs }: PeerInfo, deps: GraphDeps, { signal }: CallOptions): Promise<void> {
  if (ipfs.error !== '' || ipfs.id === '') return
  const { members, remotes, clock } = deps
  try {
    const links = id === members.self
      ? await deps.ipfs.swarmPeers(signal == null ? {} : { signal })
      : await within({ clock, ms: peerAnswerMs, signal }, async late => remotes.swarmPeers(id, { signal: late }))
    graph.ipfsLinks[ipfs.id] = links
  } catch {
    signal?.throwIfAborted()
    graph.ipfsLinks[ipfs.id] = []
  }
  graph.clusterToIpfs[id] = ipfs.id
}
