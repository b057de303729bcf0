import type { RestApi } from '../../src/api/rest/rest-api.ts'
import { noReserve } from '../../src/base/disk-reserve.ts'
import { Lifecycle } from '../../src/base/lifecycle.ts'
import type { Startable } from '../../src/base/lifecycle.ts'
import type { Logger } from '../../src/base/log.ts'
import type { WorkerHandle, Workers } from '../../src/base/worker.ts'
import type { ClusterClient } from '../../src/client/client.ts'
import type { Cluster } from '../../src/cluster/cluster.ts'
import type { CrdtConsensus } from '../../src/consensus/crdt/crdt-consensus.ts'
import { blockRecord, journalRecord, layoutRecord } from '../../src/consensus/crdt/layout.ts'
import { damageRow } from '../../src/datastore/datastore.ts'
import type { Datastore } from '../../src/datastore/datastore.ts'
import type { CID, PeerId } from '../../src/model/cid.ts'
import { isRemote } from '../../src/model/pin.ts'
import type { Monitor } from '../../src/monitor/monitor.ts'
import { GossipSilence } from '../../src/network/host/gossip/gossip-silence.ts'
import type { Broadcast } from '../../src/network/network.ts'
import type { ComposedEvents } from '../../src/node/compose/compose-events.ts'
import type { Network, NetworkDeps } from '../../src/node/compose/compose-network.ts'
import type { TemporaryStore } from '../../src/node/compose/compose-stores.ts'
import { composeNode } from '../../src/node/compose/compose.ts'
import { RpcClient } from '../../src/rpc/client.ts'
import { introduce, rpcRemotePeers } from '../../src/rpc/remote-peers.ts'
import type { StatelessTracker } from '../../src/tracker/stateless/stateless-tracker.ts'
import { metricsTopic } from '../../src/monitor/pubsub/pubsub-monitor.ts'
import { decodeHeads } from '../../src/wire/broadcast.ts'
import { blockKey } from '../../src/wire/crdt-block.ts'
import { textImporters } from '../support/cluster/text-importers.ts'
import { FakeIpfs } from '../support/fake-ipfs.ts'
import { quietWatching } from '../support/rest-peer.ts'
import type { SimClock } from '../support/sim-clock.ts'
import { PeerClock } from '../support/sim-clock.ts'
import { SimDisk } from '../support/sim-disk.ts'
import type { SimNetwork, SimPlace } from '../support/sim-network.ts'
import { configOf } from './config.ts'
import type { Dice } from './dice.ts'
import type { PeerSettings, SimSettings } from './settings.ts'
import type { IpfsFaults } from './slow-ipfs.ts'
import { slowIpfs } from './slow-ipfs.ts'
import { userOf } from './user.ts'

export interface SimPeerDeps {
  clock: SimClock
  dice: Dice
  network: SimNetwork
  log: Logger
  /** Told of each head that a peer announces without having its block. */
  announcedTooEarly: (peer: SimPeer, head: CID) => void
  /** Told of each block that a peer makes while it misses others: it may stand on what the peer has not seen. */
  writtenInTheDark: (block: CID) => void
  /** Told of what a collection took that the peer's pinset wants. */
  collectedWanted: (peer: SimPeer, cid: CID) => void
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
  /** Its REST API, */
  api: RestApi
  /** and a user's program that asks it. */
  user: ClusterClient
  lifecycle: Lifecycle
  /** Users wait for answers until it aborts. */
  requests: AbortController
  /** Started and not yet stopping. */
  isReady: boolean
}

/** A run while it is composed. */
type Starting = Partial<Run> & Omit<Run, 'place' | 'cluster' | 'api' | 'user' | 'consensus' | 'tracker' | 'monitor'> & { isServing: boolean }

const listenEveryMs = 10_000
const hasStalls = ({ trouble: { streams, standStill, starve } }: SimSettings): boolean => streams + standStill + starve > 0

/** Does what `GossipStreams` does about silent peers. */
function listener (
  { silence, place, workers, clock }: { silence: GossipSilence, place: SimPlace, workers: Workers, clock: PeerClock }
): Startable {
  let loop: WorkerHandle | undefined
  return {
    name: 'gossip silence',
    start: async () => {
      loop = workers.add({
        name: 'gossip silence',
        intervalMs: () => listenEveryMs,
        work: async () => {
          for (const { peer, renew } of silence.pass(clock.now(), new Set(place.connected()))) {
            if (renew === 'connection') place.renewConnection(peer)
          }
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
  #clock: PeerClock | undefined

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
    const isLost = (key: string): boolean =>
      /^[emthwjv!]/.test(key) ? key !== layoutRecord && dice.chance(0.2) : key.startsWith('b') && dice.chance(0.1) && othersHave(key)
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
    // cuts who waits for an answer; there is nothing in it to go wrong
    void run.api.stop()
    this.run = undefined
  }

  /** A head that nobody can serve would be waited for in vain. */
  #checked (broadcast: Broadcast, pinset: Datastore): Broadcast {
    return {
      subscribe: (topic, handler, accept) => broadcast.subscribe(topic, handler, accept),
      publish: (topic, data) => {
        if (topic !== metricsTopic) {
          for (const head of decodeHeads(data)) if (!pinset.has(blockRecord(blockKey(head)))) this.#deps.announcedTooEarly(this, head)
        }
        return broadcast.publish(topic, data)
      }
    }
  }

  /** Its clock is set, also while it runs. */
  setClock (skewMs: number): void {
    this.skewMs = skewMs
    if (this.#clock != null) this.#clock.skewMs = skewMs
  }

  #compose () {
    const { id: self, settings } = this
    const world = this.#world
    const log = this.#deps.log.child(settings.name)
    const random = this.#deps.dice
    const clock = this.#clock = new PeerClock(this.#deps.clock, this.skewMs)
    const pinset = this.pinsetDisk.datastore()
    const silence = hasStalls(world) ? new GossipSilence({ afterMs: 3 * world.pingIntervalMs, intervalMs: listenEveryMs }) : undefined
    const lifecycle = new Lifecycle({ stopTimeoutMs: 120_000 }, { clock, log: log.child('lifecycle') })
    const run: Starting = { clock, silence, lifecycle, requests: new AbortController(), isReady: false, isServing: false }
    const wanted = async (): Promise<Set<string>> => {
      const found = new Set<string>()
      for await (const batch of (run as Run).consensus.state.pins()) {
        for (const pin of batch) if (!isRemote(pin, self)) found.add(pin.cid.toString())
      }
      return found
    }
    const ipfs = slowIpfs({
      node: this.node, clock, dice: random, faults: this.ipfsFaults, wanted, lost: cid => this.#deps.collectedWanted(this, cid)
    })
    const { components, cluster, consensus, tracker, monitor } = composeNode({
      folder: '/simulated',
      config: configOf(settings, world),
      identity: { id: self, privateKey: noKey },
      ipfsIdentity: { id: self, privateKey: noKey },
      log,
      bootstrap: [],
      version: '1.1.6+helia.0.0.0',
      signal: new AbortController().signal,
      ...(settings.extensions == null ? {} : { extensions: settings.extensions })
    }, {
      clock,
      random,
      stores: () => ({
        pinset, local: this.localDisk.datastore(), blocks: undefined, reserve: { ...noReserve, ...nothingToStart('reserve') },
        temporary: temporaryStore
      }),
      ipfs: () => ipfs,
      importers: textImporters,
      events: () => unwatched,
      network: deps => this.#network(run, pinset, deps)
    })
    const api = components.find(({ name }) => name === 'restapi') as RestApi
    return { run: Object.assign(run, { cluster, consensus, tracker, monitor, api, user: userOf(api) }) as Run, components }
  }

  /** The peer's place in the simulated network. */
  #network (run: Starting, pinset: Datastore, { storedBlock, workers }: NetworkDeps): Network {
    const { id: self, settings } = this
    const { silence, clock } = run
    const place = run.place = this.#deps.network.join(self, {
      ...(silence == null ? {} : { gate: clock, heard: (peer: PeerId) => { silence.heard(peer) } }),
      block: cid => run.isServing ? storedBlock(cid) : undefined,
      get history () { return settings.givesHistory && run.isServing ? (run as Run).consensus : undefined }
    })
    const rpc = new RpcClient({ streams: place.streams, clock })
    const serving: Startable = { name: 'serving', start: async () => { run.isServing = true }, stop: async () => { run.isServing = false } }
    const host = {
      name: 'host', start: async () => {}, stop: async () => place.closeStreams(), peer: self, addresses: () => [],
      addressesOf: () => [], connectedPeers: () => place.connected(), bandwidth: () => new Map<string, never>()
    }
    return {
      host,
      gossip: { ...this.#checked(place.broadcast, pinset), health: () => ({ silent: [], heard: 0, reopened: 0 }) },
      exchange: place.exchange,
      history: settings.givesHistory ? place.history : undefined,
      streams: place.streams,
      remotes: rpcRemotePeers(rpc),
      connections: { dial: async () => self, dialKnown: async () => [], expected: () => new Set(), forget: () => {} },
      introduce: async (peer, options) => introduce(rpc, peer, { self, ...options }),
      committed: cid => { if ((run as Run).consensus.progress().dirty) this.#deps.writtenInTheDark(cid) },
      givingHistory: () => nothingToStart('history server'),
      serving: [serving],
      listening: silence == null ? [host] : [host, listener({ silence, place, workers, clock })],
      connecting: monitor => {
        monitor.onMetric(
          ({ name, peer, expire, receivedAt }) => { if (name === 'ping') silence?.holds(peer, Number(expire - receivedAt) / 1e6) }
        )
        return []
      },
      last: []
    }
  }
}

const noKey = new Uint8Array(0)
const nothingToStart = (name: string): Startable => ({ name, start: async () => {}, stop: async () => {} })

/** Nobody looks on: a peer in a simulated world tells what happens by its listeners only. */
const unwatched: ComposedEvents = {
  // without a service nobody asks for it
  events: { task: () => {}, peerSync: () => {}, peerDrain: () => {} } as unknown as ComposedEvents['events'],
  watching: quietWatching(),
  components: []
}

async function temporaryStore (): Promise<TemporaryStore> {
  const disk = new SimDisk()
  return { store: disk.datastore(), discard: async () => {} }
}
