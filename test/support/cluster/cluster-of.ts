import { after } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Allocator } from '../../../src/allocator/allocator.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { ClusterError } from '../../../src/base/errors.ts'
import { WorkerRunner } from '../../../src/base/worker.ts'
import type { Importers } from '../../../src/cluster/add/upload.ts'
import type { Cluster, ClusterDeps, ClusterInit } from '../../../src/cluster/cluster.ts'
import { createCluster } from '../../../src/cluster/cluster.ts'
import type { Consensus } from '../../../src/consensus/consensus.ts'
import type { PeerId } from '../../../src/model/cid.ts'
import type { RemotePeers } from '../../../src/network/remote-peers.ts'
import { aPeerId } from './values.ts'
import { SeededRandom, SimClock } from '../sim-clock.ts'
import type { MemoryConsensusInit } from './memory-consensus.ts'
import { memoryConsensus, SharedPinset } from './memory-consensus.ts'
import { MemoryIpfs } from './memory-ipfs.ts'
import { SharedMonitor } from './shared-monitor.ts'
import { SimpleTracker } from './simple-tracker.ts'
import { textImporters } from './text-importers.ts'

/** One peer of a test with everything that it is made of. */
export interface TestPeer { id: PeerId, cluster: Cluster, consensus: Consensus, ipfs: MemoryIpfs, tracker: SimpleTracker }

/** Several peers in one process that share a pinset, a monitor and the time. */
export interface TestCluster {
  clock: SimClock
  pinset: SharedPinset
  monitor: SharedMonitor
  peers: TestPeer[]
  peerAt (at: number): TestPeer
  ids: PeerId[]
  /** Peers that can't be reached, with the error that callers get. */
  unreachable: Map<PeerId, Error>
  /** What was asked of other peers: "status 2", … */
  calls: string[]
  /** The peer stops answering and its metrics expire. */
  lose (at: number): Promise<void>
  settle (): Promise<void>
  close (): Promise<void>
}

export interface TestClusterOptions {
  init?: Partial<ClusterInit>
  consensus?: MemoryConsensusInit
  deps?: Partial<ClusterDeps>
  importers?: Importers
  /** What is in the pinset already. */
  pinset?: SharedPinset
}

/** Most free space first. */
const byFreeSpace: Allocator = {
  allocateBy: ['freespace'],
  order: ({ priority, candidates, metrics }) => {
    const weight = (peer: PeerId): bigint => metrics.get('freespace')?.get(peer)?.weight ?? 0n
    const sorted = (peers: ReadonlySet<PeerId>): PeerId[] => [...peers].toSorted((a, b) => weight(a) > weight(b) ? -1 : 1)
    return [...sorted(priority), ...sorted(candidates)]
  }
}

/**
 * Opens clusters for the tests of one file; all are closed when these are done. What it gives has the first peer and its cluster at hand.
 */
export function clusterOpener (): (count: number, options?: TestClusterOptions) =>
  Promise<TestCluster & { peer: TestPeer, cluster: Cluster }> {
  const opened: TestCluster[] = []
  after(async () => { await Promise.all(opened.map(async cluster => cluster.close())) })
  return async (count, options) => {
    const made = await clusterOf(count, options)
    opened.push(made)
    const peer = made.peerAt(0)
    return { ...made, peer, cluster: peer.cluster }
  }
}

/** Starts `count` peers. Peer i has (count - i) × 1000 free, so that allocation goes by index. */
export async function clusterOf (count: number, options: TestClusterOptions = {}): Promise<TestCluster> {
  const clock = new SimClock()
  const pinset = options.pinset ?? new SharedPinset()
  const monitor = new SharedMonitor()
  const workers = new WorkerRunner({ clock, random: new SeededRandom(1), log: silentLogger })
  const ids = Array.from({ length: count }, (_, at) => aPeerId(at))
  const unreachable = new Map<PeerId, Error>()
  const calls: string[] = []
  const peers: TestPeer[] = []
  const remotes = inMemoryRemotes({ peers, unreachable, calls })
  for (const [at, id] of ids.entries()) {
    monitor.beat(id, { peerName: `peer${at}`, freeSpace: BigInt(count - at) * 1000n })
    const consensus = memoryConsensus(pinset, options.consensus)
    const ipfs = new MemoryIpfs(`ipfs-peer${at}`)
    const tracker = new SimpleTracker(id, { ipfs, consensus, clock })
    const cluster = createCluster({ ...initOf(id, at), ...options.init }, {
      consensus,
      ipfs,
      tracker,
      monitor,
      remotes,
      allocator: byFreeSpace,
      host: {
        addresses: () => [`/ip4/127.0.0.1/tcp/${9096 + at}/p2p/${id}`], addressesOf: peer => [`/ip4/127.0.0.1/tcp/1/p2p/${peer}`],
        bandwidth: () => new Map()
      },
      importers: options.importers ?? textImporters,
      clock,
      workers,
      log: silentLogger,
      ...options.deps
    })
    peers.push({ id, cluster, consensus, ipfs, tracker })
  }
  await workers.start()
  for (const { cluster } of peers) await cluster.start(new AbortController().signal)
  return {
    clock,
    pinset,
    monitor,
    peers,
    peerAt: at => {
      const peer = peers[at]
      if (peer == null) throw new RangeError(`there is no peer ${at}`)
      return peer
    },
    ids,
    unreachable,
    calls,
    settle,
    lose: async at => {
      const id = ids[at] ?? ''
      unreachable.set(id, new ClusterError('PEER_UNREACHABLE', {}, { message: 'failed to dial' }))
      await peers[at]?.cluster.stop()
      monitor.expire(id, clock.now())
      await settle()
    },
    close: async () => {
      await Promise.all(peers.map(async ({ cluster }) => cluster.stop()))
      await workers.stop()
    }
  }
}

const initOf = (self: PeerId, at: number): ClusterInit => ({
  self,
  peerName: `peer${at}`,
  version: '1.1.6+helia.0.0.0',
  followerMode: false,
  replicationFactorMin: -1,
  replicationFactorMax: -1,
  disableRepinning: true,
  stateSyncIntervalMs: 300_000,
  pinRecoverIntervalMs: 720_000,
  monitorPingIntervalMs: 15_000,
  pinOnlyOnTrustedPeers: false,
  pinOnlyOnUntrustedPeers: false,
  peersetMetric: 'ping',
  connectSwarmsDelayMs: 0
})

interface Net { peers: TestPeer[], unreachable: Map<PeerId, Error>, calls: string[] }

function inMemoryRemotes ({ peers, unreachable, calls }: Net): RemotePeers {
  const reach = (id: PeerId, what: string): TestPeer => {
    calls.push(`${what} ${peers.findIndex(peer => peer.id === id)}`)
    const fault = unreachable.get(id)
    if (fault != null) throw fault
    const found = peers.find(peer => peer.id === id)
    if (found == null) throw new ClusterError('PEER_UNREACHABLE', {}, { message: 'routing: not found' })
    return found
  }
  return {
    info: async peer => reach(peer, 'info').cluster.info(),
    status: async (peer, cid) => reach(peer, 'status').tracker.status(cid),
    statusAll: async function * (peer, filter) { yield * reach(peer, 'statusAll').tracker.statusAll(filter) },
    recover: async (peer, cid) => reach(peer, 'recover').tracker.recover(cid),
    recoverAll: async function * (peer) { yield * reach(peer, 'recoverAll').tracker.recoverAll() },
    repoGc: async peer => {
      const [row] = (await reach(peer, 'repoGc').cluster.repoGc({ local: true })).values()
      if (row == null) throw new Error('no row')
      return row
    },
    repoStat: async peer => reach(peer, 'repoStat').ipfs.repoStat(),
    swarmPeers: async peer => reach(peer, 'swarmPeers').ipfs.swarmPeers(),
    putBlocks: async (peer, blocks) => reach(peer, 'putBlocks').ipfs.putBlocks(blocks)
  }
}

/** Lets everything run that needs no time. */
async function settle (): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn()
}
