import type { Clock } from '../../src/base/clock.ts'
import { Lifecycle } from '../../src/base/lifecycle.ts'
import type { Startable } from '../../src/base/lifecycle.ts'
import { ClusterError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { WorkerRunner } from '../../src/base/worker.ts'
import { balancedAllocator } from '../../src/allocator/balanced/balanced-allocator.ts'
import type { Cluster } from '../../src/cluster/cluster.ts'
import { createCluster } from '../../src/cluster/cluster.ts'
import type { IpfsConnector, IpfsOptions } from '../../src/ipfs/ipfs.ts'
import type { CID, PeerId } from '../../src/model/cid.ts'
import type { Pin } from '../../src/model/pin.ts'
import type { RemotePeers } from '../../src/network/remote-peers.ts'
import { withMethods } from '../../src/observe/method-overrides.ts'
import { statelessTracker } from '../../src/tracker/stateless/stateless-tracker.ts'
import type { StatelessTracker } from '../../src/tracker/stateless/stateless-tracker.ts'
import { MemoryIpfs } from '../support/cluster/memory-ipfs.ts'
import { SharedMonitor } from '../support/cluster/shared-monitor.ts'
import { textImporters } from '../support/cluster/text-importers.ts'
import { PeerClock } from '../support/sim-clock.ts'
import { SimDisk } from '../support/sim-disk.ts'
import type { Dice } from './dice.ts'
import type { Replica } from './replica.ts'
import { replicaConsensus } from './replica.ts'
import type { IpfsFaults } from './slow-ipfs.ts'

/** What all peers of a light world share. */
export interface LightPeerDeps {
  clock: Clock
  dice: Dice
  peers: LightPeer[]
  /** Longest time of a call to another peer; most take none. Milliseconds. */
  callMs: number
  pinRecoverIntervalMs: number
  /** Whether both run and hear each other. */
  areConnected: (one: LightPeer, other: LightPeer) => boolean
}

/** A run of a peer, from its start to its end. */
export interface LightRun {
  clock: PeerClock
  consensus: ReturnType<typeof replicaConsensus>
  monitor: SharedMonitor
  tracker: StatelessTracker
  cluster: Cluster
  lifecycle: Lifecycle
  components: Startable[]
  isReady: boolean
}

/** Of calls and pins; the others take no time: a timer for each would be half of the work. */
const slowShare = 0.2
const bytesPerPin = 100_000
const hourMs = 3_600_000

/**
 * A peer of a light world: the use cases and the tracker of a peer, upon a pinset that has no blocks, in a network without messages. A
 * thousandth of the work of a `SimPeer`, for worlds with tens of thousands of pins.
 */
export class LightPeer {
  readonly id: PeerId
  readonly name: string
  readonly replica: Replica
  readonly node: MemoryIpfs
  readonly ipfsFaults: IpfsFaults = { delayMs: 0, failures: 0 }
  readonly disk = new SimDisk()
  isDiskFull = false
  run: LightRun | undefined
  readonly #deps: LightPeerDeps

  constructor (id: PeerId, name: string, replica: Replica, deps: LightPeerDeps) {
    this.id = id
    this.name = name
    this.replica = replica
    const node = new MemoryIpfs(`ipfs-${name}`)
    // of most pins that others hold there is nothing to be unpinned
    this.node = Object.assign(node, { isUnpinned: (cid: CID) => node.down == null && !node.roots.has(cid.toString()) })
    this.#deps = deps
  }

  async start (): Promise<void> {
    const run = this.run = this.#compose()
    await run.lifecycle.start(run.components, new AbortController().signal)
    run.isReady = true
  }

  async stop (): Promise<void> {
    const { run } = this
    if (run == null) return
    run.isReady = false
    await run.lifecycle.stop()
    const timers = run.clock.pending
    if (this.run !== run) return // the power went meanwhile
    this.#end(run)
    if (timers > 0) throw new Error(`${timers} timers are left`)
  }

  /** The power goes. */
  crash (): void {
    if (this.run == null) return
    this.disk.crash(this.#deps.dice.pick([0, 1, 100]))
    this.replica.crash(this.#deps.dice.pick([0, 1, 10, 100]))
    this.#end(this.run)
  }

  #end (run: LightRun): void {
    run.isReady = false
    run.clock.stop()
    this.run = undefined
  }

  #compose (): LightRun {
    const { id: self, replica } = this
    const { dice, pinRecoverIntervalMs } = this.#deps
    const clock = new PeerClock(this.#deps.clock)
    const log = silentLogger
    const workers = new WorkerRunner({ clock, random: dice, log })
    const datastore = this.disk.datastore()
    const monitor = new SharedMonitor()
    const heard = (): LightPeer[] => this.#deps.peers.filter(other => other !== this && this.#deps.areConnected(this, other))
    const consensus = replicaConsensus({
      replica, clock, dice, isFull: () => this.isDiskFull, isBehind: () => heard().some(other => replica.lacks(other.replica))
    })
    const ipfs = this.#ipfs(clock)
    const tracker = statelessTracker({
      self, maxPinQueueSize: 100_000, concurrentPins: 10, concurrentUnpins: 64, priorityPinMaxAgeMs: 24 * hourMs, priorityPinMaxRetries: 5,
      pinRecoverIntervalMs
    }, {
      state: consensus.state, progress: () => consensus.progress(), durable: async () => consensus.durable(), ipfs, datastore, clock, log,
      identity: () => ({ peerName: this.name, ipfsPeerId: '', ipfsPeerAddresses: [] })
    })
    const cluster = createCluster({
      self, peerName: this.name, version: '1.1.6+helia.0.0.0', followerMode: false, replicationFactorMin: 1, replicationFactorMax: 2,
      disableRepinning: true, stateSyncIntervalMs: 300_000, pinRecoverIntervalMs, monitorPingIntervalMs: 15_000,
      pinOnlyOnTrustedPeers: false, pinOnlyOnUntrustedPeers: false, peersetMetric: 'ping', connectSwarmsDelayMs: 0
    }, {
      consensus, ipfs, tracker, monitor, remotes: this.#remotes(clock), allocator: balancedAllocator({ allocateBy: ['freespace'] }),
      host: { addresses: () => [], addressesOf: () => [], bandwidth: () => new Map() },
      importers: textImporters, datastore, clock, workers, log
    })
    return {
      clock, consensus, monitor, tracker, cluster, isReady: false, lifecycle: new Lifecycle({ stopTimeoutMs: 120_000 }, { clock, log }),
      components: [datastore, consensus, tracker, workers, cluster]
    }
  }

  /** Pins and unpins take time by the clock of the run. */
  #ipfs (clock: PeerClock): IpfsConnector {
    const { node, ipfsFaults: faults } = this
    const { dice } = this.#deps
    const slowly = async ({ signal }: IpfsOptions, act: () => Promise<void>): Promise<void> => {
      if (dice.chance(slowShare)) await clock.sleep(dice.between(0, faults.delayMs), signal)
      if (dice.chance(faults.failures)) throw new ClusterError('IPFS_ERROR', {}, { message: 'a fault of the simulation' })
      await act()
    }
    const used = (): number => node.roots.size * bytesPerPin
    return withMethods<IpfsConnector>(node, {
      pin: async (pin: Pin, options = {}) => slowly(options, async () => node.pin(pin)),
      unpin: async (cid: CID, options = {}) => slowly(options, async () => node.unpin(cid)),
      repoStat: async () => ({ repoSize: used(), storageMax: 1e12, freeBytes: 1e12 - used() })
    })
  }

  #remotes (clock: PeerClock): RemotePeers {
    const { dice, peers, callMs, areConnected } = this.#deps
    const reach = async (id: PeerId, signal?: AbortSignal): Promise<LightRun> => {
      if (dice.chance(slowShare)) await clock.sleep(dice.between(0, callMs), signal)
      const found = peers.find(peer => peer.id === id)
      if (found?.run != null && areConnected(this, found)) return found.run
      if (dice.chance(0.3)) await clock.sleep(hourMs, signal) // no answer at all
      throw new ClusterError('PEER_UNREACHABLE', {}, { message: 'failed to dial' })
    }
    const unasked = async (): Promise<never> => { throw new ClusterError('UNSUPPORTED') }
    return {
      info: async (peer, { signal } = {}) => (await reach(peer, signal)).cluster.info(),
      status: async (peer, cid, { signal } = {}) => (await reach(peer, signal)).tracker.status(cid),
      statusAll: async function * (peer, filter, { signal } = {}) { yield * (await reach(peer, signal)).tracker.statusAll(filter) },
      repoStat: async (peer, { signal } = {}) => {
        await reach(peer, signal)
        const { roots } = (peers.find(({ id }) => id === peer) as LightPeer).node
        return { repoSize: roots.size * bytesPerPin, storageMax: 1e12 }
      },
      recover: unasked,
      // eslint-disable-next-line require-yield
      recoverAll: async function * () { await unasked() },
      repoGc: unasked, swarmPeers: unasked, putBlocks: unasked
    }
  }
}
