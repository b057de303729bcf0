import { silentLogger } from '../../src/base/log.ts'
import { WorkerRunner } from '../../src/base/worker.ts'
import { Members } from '../../src/cluster/peers/members.ts'
import { PinsetSync } from '../../src/cluster/sync/pinset-sync.ts'
import { crdtConsensus } from '../../src/consensus/crdt/crdt-consensus.ts'
import type { CrdtConsensus } from '../../src/consensus/crdt/crdt-consensus.ts'
import { digestRecord, rowRecord, valueRecord } from '../../src/consensus/crdt/layout.ts'
import { decodeValueRecord, encodeValueRecord } from '../../src/consensus/crdt/value-record.ts'
import type { Informer } from '../../src/informer/informer.ts'
import { measured } from '../../src/informer/measured.ts'
import { pinsetInformer } from '../../src/informer/pinset/pinset-informer.ts'
import { metricPublisher } from '../../src/informer/publisher/metric-publisher.ts'
import type { PeerId } from '../../src/model/cid.ts'
import { pubsubMonitor } from '../../src/monitor/pubsub/pubsub-monitor.ts'
import type { RemotePinsets } from '../../src/network/remote-pinsets.ts'
import { ClusterError } from '../../src/base/errors.ts'
import { decodeMetric, encodeMetric } from '../../src/wire/metric.ts'
import { encodePin } from '../../src/wire/pin.ts'
import { pinKey } from '../../src/wire/pin-key.ts'
import { aPeerId } from '../support/cluster/values.ts'
import { noBatching } from '../support/crdt-peer.ts'
import { cidFor, pinFor } from '../support/pins.ts'
import { PeerClock, SimClock } from '../support/sim-clock.ts'
import { SimDisk } from '../support/sim-disk.ts'
import { SimGossip } from '../support/sim-gossip.ts'
import { Dice } from './dice.ts'

/**
 * One world whose pinsets are watched. `alarmMs`: how long after the silent difference a peer told of it; undefined: never. `alarms`: who
 * told of whom, in a healthy world none.
 */
export interface PinsetsResult {
  seed: number, alarms: string[], alarmMs: number | undefined, intervalMs: number, pins: number, changes: number
}

interface Run { clock: PeerClock, consensus: CrdtConsensus, sync: PinsetSync, stop: () => Promise<void> }
interface Peer { id: PeerId, disk: SimDisk, run: Run | undefined, batching: typeof noBatching, writesEveryMs: number }

const intervalMs = 120_000
const pingIntervalMs = 15_000
const minuteMs = 60_000
const untouched = 'the pin that nobody changes'

/**
 * Whole consensus, monitors and watches over a simulated network: pins come, change and go on all peers, some of them the same ones, in
 * bursts and without end; messages are late and lost, peers are cut off and crash. In a `silent` world one peer's disk gets another value
 * without a change of the pinset, while everything goes on.
 */
export async function simulatePinsets (seed: number, { silent }: { silent: boolean }): Promise<PinsetsResult> {
  const dice = new Dice(seed)
  const clock = new SimClock()
  const maxDelayMs = dice.pick([5, 200, 2000, silent ? 3000 : 20_000])
  const gossip = new SimGossip({ maxDelayMs, loss: dice.pick([0, 0.05, silent ? 0.1 : 0.4]) }, { clock, random: dice })
  const isBusy = dice.chance(0.5)
  const peers: Peer[] = Array.from({ length: dice.whole(2, 4) }, (_, at) => ({
    id: aPeerId(at), disk: new SimDisk(), run: undefined,
    batching: dice.chance(0.4)
      ? { maxBatchSize: dice.whole(2, 20), maxBatchAgeMs: dice.whole(500, 20_000), maxQueueSize: 1000 }
      : noBatching,
    writesEveryMs: isBusy ? dice.between(500, 8000) : dice.between(10_000, 300_000)
  }))
  const result: PinsetsResult = { seed, alarms: [], alarmMs: undefined, intervalMs, pins: 0, changes: 0 }
  const world = { clock, dice, gossip, peers, result, silentAt: undefined as number | undefined }

  for (const peer of peers) await start(peer, world)
  await peers[0]?.run?.consensus.put(pinFor(untouched))
  for (const peer of peers) write(peer, world)
  await clock.advance(2 * minuteMs)
  if (!silent) await trouble(world, dice.whole(4, 10))
  else {
    await clock.advance(dice.between(0, 3 * minuteMs))
    await clock.until(() => peers.every(({ run }) => run?.consensus.state.has(cidFor(untouched)) === true))
    await differSilently(world)
    await clock.advance(2 * intervalMs)
  }
  result.pins = peers[0]?.run?.consensus.state.size() ?? 0
  for (const { run } of peers) run?.clock.stop()
  return result
}

type World = { clock: SimClock, dice: Dice, gossip: SimGossip, peers: Peer[], result: PinsetsResult, silentAt: number | undefined }

async function start (peer: Peer, world: World): Promise<void> {
  const { gossip, dice, result } = world
  const clock = new PeerClock(world.clock, dice.between(-3000, 3000))
  const log = silentLogger
  const workers = new WorkerRunner({ clock, random: dice, log })
  const datastore = peer.disk.datastore()
  const place = gossip.join(peer.id, cid => consensus.getBlock(cid))
  const consensus = crdtConsensus(
    {
      self: peer.id, clusterName: 'sim', trustedPeers: '*', rebroadcastIntervalMs: 60_000, repairIntervalMs: 3_600_000,
      batching: peer.batching
    },
    { datastore, ...place, workers, clock, log }
  )
  const monitor = pubsubMonitor(
    { self: peer.id, checkIntervalMs: pingIntervalMs },
    { broadcast: place.broadcast, codec: { encode: encodeMetric, decode: decodeMetric }, clock, log, workers }
  )
  const members = new Members({ self: peer.id, peersetMetric: 'ping' }, { monitor })
  const sync = new PinsetSync(
    { stateSyncIntervalMs: intervalMs, monitorPingIntervalMs: pingIntervalMs },
    { consensus, digests: consensus.digests, remotePinsets: remotes(peer, world), monitor, members, clock, log }
  )
  const ping: Informer = {
    name: 'ping', ttlMs: 2 * pingIntervalMs,
    metrics: async self => [measured({ name: 'ping', value: '{}' }, { self, now: clock.now(), ttlMs: 2 * pingIntervalMs })]
  }
  const publisher = metricPublisher({ self: peer.id }, {
    monitor, workers, ping, informers: [pinsetInformer({ metricTtlMs: 2 * pingIntervalMs }, { digests: consensus.digests, clock })]
  })
  const signal = new AbortController().signal
  sync.onChange(({ peer: other, state }) => {
    if (state !== 'out_of_sync') return
    result.alarms.push(`${peer.id} tells of ${other}`)
    if (world.silentAt != null) result.alarmMs ??= world.clock.now() - world.silentAt
  })
  await datastore.start(signal)
  await consensus.start(signal)
  await monitor.start(signal)
  await publisher.start(signal)
  workers.add(sync.worker())
  await workers.start()
  peer.run = {
    clock, consensus, sync, stop: async () => { await publisher.stop(); await workers.stop(); await monitor.stop(); await consensus.stop() }
  }
}

/** Asks the other peer's run, with the network's delays. */
function remotes (self: Peer, { clock, dice, gossip, peers }: World): RemotePinsets {
  const asked = async <T>(peer: PeerId, ask: (consensus: CrdtConsensus) => Promise<T>): Promise<T> => {
    await clock.sleep(dice.between(0, 2000))
    const there = peers.find(({ id }) => id === peer)?.run
    if (there == null || gossip.cut.has(`${self.id} ${peer}`) || gossip.cut.has(`${peer} ${self.id}`)) {
      throw new ClusterError('PEER_UNREACHABLE', { peer })
    }
    if (there.consensus.digests.point() == null) throw new ClusterError('NOT_READY', { peer })
    const found = await ask(there.consensus)
    await clock.sleep(dice.between(0, 2000))
    return found
  }
  return {
    parts: peer => ({
      heads: async () => asked(peer, async ({ digests }) => digests.point()?.heads ?? []),
      areMerged: async heads =>
        asked(peer, async ({ digests }) => digests.point()?.isComplete === true && heads.every(head => digests.isMerged(head))),
      cells: async () => asked(peer, async ({ digests }) => digests.cells()),
      groups: async of => asked(peer, async ({ digests }) => digests.groups(of)),
      keys: async of => asked(peer, async ({ digests }) => digests.keys(of))
    }),
    mergeAgain: async (peer, { keys }) => asked(peer, async ({ digests }) => digests.mergeAgain(keys))
  }
}

/** A user who pins, changes and unpins, on and on; several of them the same items. */
function write (peer: Peer, world: World): void {
  const { clock, dice, result } = world
  clock.after(dice.between(0, 2 * peer.writesEveryMs), () => {
    const text = dice.chance(0.3) ? `item ${dice.whole(0, 3)}` : `item ${dice.whole(0, 200)}`
    const { run } = peer
    result.changes++
    const change = run == null
      ? undefined
      : dice.chance(0.3)
      ? run.consensus.remove(cidFor(text))
      : run.consensus.put(pinFor(text, { name: dice.pick(['one', 'other']) }))
    change?.catch(() => {})
    write(peer, world)
  })
}

async function crash (peer: Peer, { dice }: World): Promise<void> {
  peer.run?.clock.stop()
  peer.run = undefined
  peer.disk.crash(dice.pick([0, 1, 100]))
}

/** Cuts, crashes and orderly stops of healthy peers. */
async function trouble (world: World, steps: number): Promise<void> {
  const { clock, dice, gossip, peers } = world
  for (let step = 0; step < steps; step++) {
    const [one, other] = [dice.pick(peers), dice.pick(peers)]
    const kind = dice.float()
    if (kind < 0.3) {
      const way = `${one.id} ${other.id}`
      gossip.cut.add(way)
      clock.after(dice.between(0, 10 * minuteMs), () => gossip.cut.delete(way))
    } else if (kind < 0.5) {
      await crash(one, world)
      await clock.advance(dice.between(0, 3 * minuteMs))
      await start(one, world)
    } else if (kind < 0.6 && one.run != null) {
      const stopping = one.run.stop()
      await clock.advance(minuteMs)
      await stopping
      one.run.clock.stop()
      await start(one, world)
    }
    await clock.advance(dice.between(0, 5 * minuteMs))
  }
  await clock.advance(4 * minuteMs)
}

/** One peer's disk has another value of a pin, or none, after a crash. */
async function differSilently (world: World): Promise<void> {
  const { clock, dice, peers } = world
  const peer = dice.pick(peers)
  // what was merged before is on the disk with this
  await peer.run?.consensus.put(pinFor('synced'))
  await crash(peer, world)
  const disk = peer.disk.datastore()
  await disk.start(new AbortController().signal)
  const key = pinKey(cidFor(untouched))
  const record = decodeValueRecord(disk.get(valueRecord(key)) ?? new Uint8Array(0))
  const isLost = dice.chance(0.5)
  const value = encodePin(pinFor(untouched, { name: 'another' }))
  await disk.write([
    {
      key: valueRecord(key),
      value: isLost ? undefined : encodeValueRecord({ ...record, version: { priority: record.version?.priority ?? 1, value } })
    },
    ...(isLost ? [{ key: rowRecord(key), value: undefined }] : []),
    { key: digestRecord, value: undefined }
  ], { sync: true })
  await disk.stop()
  await start(peer, world)
  world.silentAt = clock.now()
}
