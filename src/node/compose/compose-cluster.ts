import { BufferPool } from '../../base/buffer-pool.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerRunner } from '../../base/worker.ts'
import type { Importers } from '../../cluster/add/upload.ts'
import { createCluster } from '../../cluster/cluster.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { CrdtConsensus } from '../../consensus/crdt/crdt-consensus.ts'
import type { ClusterEvents } from '../../events/cluster-events.ts'
import { carImporter } from '../../importer/car-importer.ts'
import { createSharder } from '../../importer/sharder.ts'
import { unixfsImporter } from '../../importer/unixfs-importer.ts'
import type { DenyFiles } from '../../ipfs/compact-denylist/deny-files.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import { remotePinsets } from '../../network/pinset/pinset.ts'
import { remoteProgress } from '../../network/progress/progress.ts'
import type { PinTracker } from '../../tracker/tracker.ts'
import type { composeBlockThreads } from '../block-threads/block-threads.ts'
import type { NodeInit } from '../node-contract.ts'
import { allocatorOf } from './compose-metrics.ts'
import type { Network } from './compose-network.ts'
import type { Stores } from './compose-stores.ts'

/** What is under way of a quick upload; fresh memory for each leaf costs more than the copy into it. */
const leafMemory = { keepBytes: 8 * 1024 * 1024, largestBytes: 4 * 1024 * 1024, idleMs: 10_000 }

/** Files, directories and CARs become blocks; with threads, on them. */
export function composeImporters (threads: ReturnType<typeof composeBlockThreads> | undefined, { clock }: { clock: Clock }): Importers {
  const leaves = new BufferPool(leafMemory, { clock })
  return {
    unixfs: unixfsImporter({}, { workers: threads, memory: bytes => leaves.lend(bytes) }), car: carImporter({}, threads),
    sharder: createSharder
  }
}

export interface ClusterPartsDeps {
  network: Network
  consensus: CrdtConsensus
  monitor: Monitor
  tracker: PinTracker
  ipfs: IpfsConnector
  importers: Importers
  denylist: DenyFiles
  events: Pick<ClusterEvents, 'peerDrain' | 'peerSync'>
  stores: Pick<Stores, 'temporary' | 'local'>
  peerName: string
  workers: WorkerRunner
  clock: Clock
  log: Logger
}

/** The use cases; what they tell is told as events. */
export function composeCluster ({ config, identity, version, extensions }: NodeInit, deps: ClusterPartsDeps): Cluster {
  const { network: { host, gossip, streams, remotes, connections }, consensus, events, stores, peerName, clock, log } = deps
  const cluster = createCluster({
    ...config.cluster, self: identity.id, peerName, version, peersetMetric: config.crdt.peersetMetric,
    connectSwarmsDelayMs: config.ipfs.connectSwarmsDelayMs,
    ...config.ipfs.kind === 'helia' ? { collectAt: config.ipfs.gcWatermark / 100 } : {}
  }, {
    ...deps, host, gossip, remotes, expectedPeers: connections, digests: consensus.digests,
    remoteProgress: remoteProgress({ streams, clock }), remotePinsets: remotePinsets({ streams, clock }),
    temporaryStore: stores.temporary, datastore: stores.local,
    onDrain: drain => events.peerDrain(drain), allocator: extensions?.allocator ?? allocatorOf(config), log: log.child('cluster')
  })
  cluster.onSync(row => events.peerSync(row))
  return cluster
}
