import { balancedAllocator } from '../../src/allocator/balanced/balanced-allocator.ts'
import type { Logger } from '../../src/base/log.ts'
import { Lifecycle } from '../../src/base/lifecycle.ts'
import type { Startable } from '../../src/base/lifecycle.ts'
import { WorkerRunner } from '../../src/base/worker.ts'
import type { WorkerHandle } from '../../src/base/worker.ts'
import type { Cluster } from '../../src/cluster/cluster.ts'
import { createCluster } from '../../src/cluster/cluster.ts'
import type { CrdtConsensus } from '../../src/consensus/crdt/crdt-consensus.ts'
import { crdtConsensus } from '../../src/consensus/crdt/crdt-consensus.ts'
import { diskInformer } from '../../src/informer/disk/disk-informer.ts'
import { pingInformer } from '../../src/informer/ping/ping-informer.ts'
import { metricPublisher } from '../../src/informer/publisher/metric-publisher.ts'
import { tagsInformer } from '../../src/informer/tags/tags-informer.ts'
import { blockRecord, journalRecord, layoutRecord } from '../../src/consensus/crdt/layout.ts'
import { damageRow } from '../../src/datastore/datastore.ts'
import type { Datastore } from '../../src/datastore/datastore.ts'
import type { CID, PeerId } from '../../src/model/cid.ts'
import type { Broadcast } from '../../src/network/network.ts'
import { GossipSilence } from '../../src/network/host/gossip/gossip-silence.ts'
import { decodeHeads } from '../../src/wire/broadcast.ts'
import { blockKey } from '../../src/wire/crdt-block.ts'
import { parsePingValue } from '../../src/model/metric.ts'
import type { Monitor } from '../../src/monitor/monitor.ts'
import { pubsubMonitor } from '../../src/monitor/pubsub/pubsub-monitor.ts'
import type { StatelessTracker } from '../../src/tracker/stateless/stateless-tracker.ts'
import { statelessTracker } from '../../src/tracker/stateless/stateless-tracker.ts'
import { decodeMetric, encodeMetric } from '../../src/wire/metric.ts'
import { textImporters } from '../support/cluster/text-importers.ts'
import { FakeIpfs } from '../support/fake-ipfs.ts'
import type { SimClock } from '../support/sim-clock.ts'
import { PeerClock } from '../support/sim-clock.ts'
import { SimDisk } from '../support/sim-disk.ts'
import type { SimNetwork, SimPlace } from '../support/sim-network.ts'
import type { Dice } from './dice.ts'
import type { PeerSettings, SimSettings } from './settings.ts'
import type { IpfsFaults } from './slow-ipfs.ts'
import { SlowIpfs } from './slow-ipfs.ts'

export interface SimPeerDeps {
  clock: SimClock
  dice: Dice
  network: SimNetwork
  log: Logger
  /** Told of each head that a peer announces without having its block. */
  announcedTooEarly: (peer: SimPeer, head: CID) => void
  /** Told of each block that a peer makes while it misses others: it may stand on what the peer has not seen. */
  writtenInTheDark: (block: CID) => void
}

/** A peer's process from start to end. */
export interface Run {
  clock: PeerClock
  place: SimPlace
  /** Where streams die: who is heard. */
  silence: GossipSilence | undefined
  consensus: CrdtConsensus
  monitor: Monitor
  tracker: StatelessTracker
  cluster: Cluster
  lifecycle: Lifecycle
  /** Users wait for answers until it aborts. */
  requests: AbortController
  /** Started and not yet stopping. */
  isReady: boolean
}

const listenEveryMs = 10_000
const hasStalls = ({ trouble: { streams, standStill, starve } }: SimSettings): boolean => streams + standStill + starve > 0

function pingHoldsMs (monitor: Monitor, peer: PeerId): number | undefined {
  const ping = monitor.lastKnownOf('ping', peer)
  return ping == null ? undefined : Number(ping.expire - ping.receivedAt) / 1e6
}

/** Does what `GossipStreams` does about silent peers. */
function listener ({ silence, place, workers, clock }: { silence: GossipSilence, place: SimPlace, workers: WorkerRunner, clock: PeerClock }): Startable {
  let loop: WorkerHandle | undefined
  return {
    name: 'gossip silence',
    start: async () => {
      loop = workers.add({
        name: 'gossip silence',
        intervalMs: () => listenEveryMs,
        work: async () => {
          for (const { peer, renew } of silence.pass(clock.now(), new Set(place.connected()))) if (renew === 'connection') place.renewConnection(peer)
          return 'idle'
        }
      })
    },
    stop: async () => { await loop?.stop() }
  }
}

/** A peer with its machine: what is on its disks and in its IPFS node outlives its runs. */
export class SimPeer {
  readonly settings: PeerSettings
  readonly id: PeerId
  readonly node: FakeIpfs
  readonly ipfsFaults: IpfsFaults
  readonly pinsetDisk: SimDisk
  readonly localDisk: SimDisk
  run: Run | undefined
  starts = 0
  /** How far its clock is ahead. Milliseconds. */
  skewMs: number
  readonly #world: SimSettings
  readonly #deps: SimPeerDeps

  constructor (settings: PeerSettings, world: SimSettings, deps: SimPeerDeps) {
    const { clock, dice } = deps
    this.settings = settings
    this.id = settings.id
    this.#world = world
    this.#deps = deps
    this.skewMs = settings.skewMs
    this.ipfsFaults = { ...world.ipfs }
    this.node = new FakeIpfs({ storageMaxBytes: settings.storageBytes, pinTimeoutMs: 60_000 }, { clock })
    const delay = async (sync: boolean): Promise<void> => {
      await clock.sleep(dice.between(0, sync ? world.diskDelayMs : world.diskDelayMs / 10))
      const gate = this.run?.clock
      if (gate?.isHindered === true) await new Promise<void>(resolve => gate.whenRunning(resolve))
    }
    const init = world.diskDelayMs > 0 ? { delay } : {}
    this.pinsetDisk = new SimDisk(init)
    this.localDisk = new SimDisk(init)
  }

  /** Resolves when the peer is up; never when the power goes before. */
  async start (onRun: (run: Run) => void = () => {}): Promise<void> {
    const { run, components } = this.#compose()
    this.run = run
    this.starts++
    onRun(run)
    try {
      await run.lifecycle.start(components, new AbortController().signal)
    } catch (err) {
      if (this.run === run) this.#end(run)
      throw err
    }
    run.isReady = true
  }

  /** An orderly end. Resolves when it is over. */
  async stop (): Promise<void> {
    const { run } = this
    if (run == null) return
    run.isReady = false
    run.requests.abort(new Error('the peer stops'))
    await run.lifecycle.stop()
    const timers = run.clock.pending
    if (this.run !== run) return // the power went meanwhile
    this.#end(run)
    if (timers > 0) throw new Error(`${timers} timers are left`)
  }

  /** The power goes: what the disks had not synced is lost, except what happened to be written. */
  crash (): void {
    const { run } = this
    if (run == null) return
    this.pinsetDisk.crash(this.#deps.dice.pick([0, 1, 2, 100]))
    this.localDisk.crash(this.#deps.dice.pick([0, 1, 2, 100]))
    this.#end(run)
  }

  /** The disk loses rows before the next start: derived ones, and blocks that `othersHave`. */
  rot (othersHave: (record: string) => boolean): number {
    const { dice } = this.#deps
    const isLost = (key: string): boolean => /^[emthwjv!]/.test(key) ? key !== layoutRecord && dice.chance(0.2) : key.startsWith('b') && dice.chance(0.1) && othersHave(key)
    // a value may hold what waits for its block
    const lost = (key: string): boolean => isLost(key) && !(key.startsWith('v') && this.#isJournaled(key))
    const report = { at: '', folder: 'pinset', keptAt: 'pinset.damaged', what: 'the disk lost rows', rows: 0, doubtful: 0 }
    return this.pinsetDisk.rot(lost, [{ key: damageRow, value: Buffer.from(JSON.stringify(report)) }])
  }

  #isJournaled (valueRecord: string): boolean { return this.pinsetDisk.has(journalRecord(valueRecord.slice(1))) }

  #end (run: Run): void {
    run.isReady = false
    run.place.leave()
    run.clock.stop()
    this.run = undefined
  }

  /** A head that nobody can serve would be waited for in vain. */
  #checked (broadcast: Broadcast, pinset: Datastore): Broadcast {
    return {
      subscribe: (topic, handler, accept) => broadcast.subscribe(topic, handler, accept),
      publish: async (topic, data) => {
        for (const head of decodeHeads(data)) if (!pinset.has(blockRecord(blockKey(head)))) this.#deps.announcedTooEarly(this, head)
        await broadcast.publish(topic, data)
      }
    }
  }

  #compose () {
    const { id: self, settings } = this
    const world = this.#world
    const { network, log } = this.#deps
    const random = this.#deps.dice
    const clock = new PeerClock(this.#deps.clock, this.skewMs)
    const peerName = settings.name
    const workers = new WorkerRunner({ clock, random, log })
    const pinset = this.pinsetDisk.datastore()
    const local = this.localDisk.datastore()
    const ipfs = this.node
    const slowIpfs = new SlowIpfs({ node: ipfs, clock, dice: random, faults: this.ipfsFaults })
    const silence = hasStalls(world) ? new GossipSilence({ afterMs: 3 * world.pingIntervalMs, intervalMs: listenEveryMs }, { holdsMs: peer => pingHoldsMs(monitor, peer) }) : undefined
    const place = network.join(self, {
      ...(silence == null ? {} : { gate: clock, heard: (peer: PeerId) => { silence.heard(peer) } }),
      block: cid => run.isServing ? run.consensus.getBlock(cid) : undefined,
      trusts: peer => run.consensus.trusts(peer),
      get cluster () { return run.cluster },
      get tracker () { return run.tracker },
      get history () { return settings.givesHistory && run.isServing ? run.consensus : undefined },
      ipfs
    })
    const consensus: CrdtConsensus = crdtConsensus(
      { self, clusterName: 'sim', trustedPeers: settings.trustedPeers, rebroadcastIntervalMs: world.rebroadcastIntervalMs, repairIntervalMs: world.repairIntervalMs, batching: settings.batching },
      {
        datastore: pinset,
        broadcast: this.#checked(place.broadcast, pinset),
        exchange: place.exchange,
        onCommitted: cid => { if (consensus.progress().dirty) this.#deps.writtenInTheDark(cid) },
        ...(settings.givesHistory ? { history: place.history } : {}),
        workers,
        clock,
        log: log.child(`${peerName} crdt`)
      })
    const monitor = pubsubMonitor({ self, checkIntervalMs: world.pingIntervalMs },
      { broadcast: place.broadcast, codec: { encode: encodeMetric, decode: decodeMetric }, clock, log: log.child(`${peerName} monitor`), workers })
    const identity = () => {
      const { ipfsId, ipfsAddresses } = parsePingValue(monitor.latestOf('ping', self)?.value ?? '{}')
      return { peerName, ipfsPeerId: ipfsId, ipfsPeerAddresses: ipfsAddresses }
    }
    const tracker = statelessTracker(
      { self, maxPinQueueSize: 1000, concurrentPins: 3, priorityPinMaxAgeMs: 3_600_000, priorityPinMaxRetries: 2, pinRecoverIntervalMs: world.recoverIntervalMs },
      { state: consensus.state, progress: () => consensus.progress(), durable: async () => consensus.durable(), ipfs: slowIpfs, datastore: local, clock, log: log.child(`${peerName} tracker`), identity })
    const cluster = createCluster({
      self,
      peerName,
      version: '1.1.6+helia.0.0.0',
      followerMode: settings.followerMode,
      replicationFactorMin: world.replicationFactorMin,
      replicationFactorMax: world.replicationFactorMax,
      disableRepinning: world.disableRepinning,
      stateSyncIntervalMs: world.stateSyncIntervalMs,
      pinRecoverIntervalMs: world.recoverIntervalMs,
      monitorPingIntervalMs: world.pingIntervalMs,
      pinOnlyOnTrustedPeers: world.pinOnlyOnTrustedPeers,
      pinOnlyOnUntrustedPeers: false,
      peersetMetric: 'ping',
      connectSwarmsDelayMs: 0
    }, {
      consensus, ipfs, tracker, monitor, workers, clock, remotes: place.remotes,
      host: { addresses: () => [], addressesOf: () => [], bandwidth: () => new Map() },
      allocator: balancedAllocator({ allocateBy: world.allocateBy }),
      importers: textImporters,
      datastore: local,
      log: log.child(`${peerName} cluster`)
    })
    const informers = [
      diskInformer({ metricTtlMs: 2 * world.pingIntervalMs, metricType: 'freespace' }, { ipfs, clock, log }),
      tagsInformer({ metricTtlMs: 2 * world.pingIntervalMs, tags: { group: settings.group } }, { clock })
    ]
    const publisher = metricPublisher({ self }, { monitor, workers, ping: pingInformer({ peerName, pingIntervalMs: world.pingIntervalMs }, { ipfs, draining: () => run.cluster.drainsOf(), clock }), informers })
    const lifecycle = new Lifecycle({ stopTimeoutMs: 120_000 }, { clock, log: log.child(`${peerName} lifecycle`) })
    const run: Run & { isServing: boolean } = { clock, place, silence, consensus, monitor, tracker, cluster, lifecycle, requests: new AbortController(), isReady: false, isServing: false }
    const serving = { name: 'serving', start: async () => { run.isServing = true }, stop: async () => { run.isServing = false } }
    // the order of node/compose
    return { run, components: [pinset, local, consensus, serving, ipfs, tracker, monitor, workers, ...(silence == null ? [] : [listener({ silence, place, workers, clock })]), cluster, publisher] }
  }
}
