import type { PeerPinProgress } from '../../cluster/cluster-api.ts'
import type { PinProgress } from '../../ipfs/ipfs.ts'
import type { GlobalPinInfo, PinInfoShort } from '../../model/pin-info.ts'
import type { PinningStatus } from '../../model/pinning-service.ts'
import type { TrackerStatus } from '../../model/status.ts'
import { formatTime } from '../../model/time.ts'
import type { ClusterPinStatus } from './cluster-pins.ts'

/** What a peer's status says of a replica. `silent`: it doesn't answer, so it may have it. `none`: it need not have it. */
type Replica = 'held' | 'pinning' | 'queued' | 'failed' | 'silent' | 'none'

const replicaOf: Readonly<Record<TrackerStatus, Replica>> = {
  undefined: 'none',
  cluster_error: 'silent',
  pin_error: 'failed',
  unpin_error: 'held',
  pin_queued: 'queued',
  pinning: 'pinning',
  pinned: 'held',
  unpinning: 'queued',
  unpin_queued: 'queued',
  unpinned: 'queued',
  unexpectedly_unpinned: 'queued',
  remote: 'none',
  // the root of a sharded DAG, which the cluster pins by its shards
  sharded: 'held'
}

type Counts = Record<Replica, number>

/**
 * How a pin of the pinset stands, from what all peers say: `pinned` on all replicas, `failed` when nobody has it and nobody is at it. A pin
 * that was pinned stays so while the others only don't answer: nothing says that they have lost it.
 */
export function clusterStatusOf ({ peerMap }: Pick<GlobalPinInfo, 'peerMap'>, before: PinningStatus): ClusterPinStatus {
  const counts: Counts = { held: 0, pinning: 0, queued: 0, failed: 0, silent: 0, none: 0 }
  for (const { status } of peerMap.values()) counts[replicaOf[status]]++
  const wanted = peerMap.size - counts.none
  const state = stateOf(counts, wanted, before)
  return { state, replicas: counts.held, wanted, info: infoOf(counts, wanted, [...peerMap.values()]) }
}

function stateOf (counts: Counts, wanted: number, before: PinningStatus): PinningStatus {
  if (wanted > 0 && counts.held === wanted) return 'pinned'
  if (before === 'pinned' && counts.held + counts.silent === wanted && wanted > 0) return 'pinned'
  if (counts.pinning > 0 || counts.held > 0) return 'pinning'
  return counts.failed > 0 && counts.queued === 0 ? 'failed' : 'queued'
}

function infoOf (counts: Counts, wanted: number, peers: readonly PinInfoShort[]): Record<string, string> {
  const replicas = wanted < 2 && counts.held === wanted ? {} : { replicas: `${counts.held} of ${wanted}` }
  if (counts.held === wanted && wanted > 0) return replicas
  const waiting = peers.filter(({ status }) => !['held', 'none'].includes(replicaOf[status]))
  const error = waiting.find(({ status, error }) => replicaOf[status] === 'failed' && error !== '')?.error
  const since = Math.min(...waiting.map(({ timestamp }) => timestamp).filter(time => time > 0))
  return {
    ...replicas,
    waiting_for: waitingFor(counts),
    ...(Number.isFinite(since) ? { since: formatTime(since) } : {}),
    ...(error == null ? {} : { error: error.slice(0, 500) })
  }
}

function waitingFor ({ pinning, queued, failed, silent }: Counts): string {
  if (pinning > 0) return 'blocks from the network'
  if (queued > 0) return 'its turn'
  if (failed > 0) return 'the next try'
  return silent > 0 ? 'peers that do not answer' : 'a peer that takes it'
}

/** More about a pin that isn't done, from the peers that can say how far they are. Empty when none can. */
export function progressInfo (rows: readonly PeerPinProgress[]): Record<string, string> {
  const row = rows.find(({ operation }) => operation?.phase === 'in_progress') ?? rows.find(({ operation }) => operation != null)
  if (row?.operation == null) return {}
  const { operation: { phase, since, error, queueLength, nextTryAt }, ipfs } = row
  if (phase === 'queued') return { waiting_for: queueLength > 1 ? `its turn, ${queueLength} wait` : 'its turn', since: formatTime(since) }
  if (phase === 'error') {
    return { waiting_for: 'the next try', since: formatTime(since), error: error.slice(0, 500), ...lackOf(ipfs), ...nextTry(nextTryAt) }
  }
  if (ipfs == null) return { since: formatTime(since) }
  const here = ipfs.blocks === 0 ? {} : { progress: `${ipfs.blocks} blocks, ${ipfs.bytes} bytes` }
  if (ipfs.wantedBlock == null) return { since: formatTime(ipfs.startedAt), ...here }
  return {
    waiting_for: `block ${ipfs.wantedBlock.toString()}`, since: formatTime(ipfs.wantedSince ?? since), ...here, ...lackOf(ipfs),
    ...nextTry(ipfs.nextTryAt ?? nextTryAt)
  }
}

/** Why nothing comes, when nothing does, and how many have been asked. */
function lackOf (ipfs: PinProgress | null): Record<string, string> {
  if (ipfs?.phase === 'no_peers') return { why: 'no other IPFS node is connected' }
  if (ipfs?.phase !== 'no_providers') return {}
  const { length } = ipfs.peersAsked
  return { why: 'nobody who was asked has it', asked: length === 1 ? '1 node' : `${length} nodes` }
}

const nextTry = (time: number | null): Record<string, string> => time == null ? {} : { next_try: formatTime(time) }
