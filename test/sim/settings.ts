import type { PeerId } from '../../src/model/cid.ts'
import type { Extensions } from '../../src/node/extensions.ts'
import { aPeerId } from '../support/cluster/values.ts'
import type { SimHistoryFaults } from '../support/sim-history.ts'
import type { SimFaults } from '../support/sim-network.ts'
import { Dice } from './dice.ts'
import { hasSetClocks, withSetClocks } from './clocks.ts'
import { isCollecting, withCollections } from './collections.ts'
import { hasHistory, withHistory } from './history.ts'
import { isRough, roughened } from './rough.ts'
import type { IpfsFaults } from './slow-ipfs.ts'
import { isStalling, withStalls } from './stalls.ts'

export interface PeerSettings {
  id: PeerId
  name: string
  trustedPeers: readonly PeerId[] | '*'
  followerMode: boolean
  /** Gives and takes the CRDT's history as a stream, as Node peers do and Go peers don't. */
  givesHistory: boolean
  /** How far its clock is ahead. Milliseconds. */
  skewMs: number
  batching: { maxBatchSize: number, maxBatchAgeMs: number, maxQueueSize: number }
  storageBytes: number
  group: string
  /** When it first starts, as a share of the time of trouble. */
  joinsAt: number
  /** What the world is about, for who tries parts of their own. */
  extensions?: Extensions
}

/**
 * Shares per step, 0 to 1; `earlyCrash`: of starts that a power cut follows within the first minutes; `rot`: of starts before which the
 * disk lost rows of the pinset that its blocks can prove, and blocks that other peers have; `streams`: of gossip, that end while the
 * connection lives; `standStill` and `starve`: of processes; `clocks`: that are set.
 */
export interface Trouble {
  cut: number, isolate: number, heal: number, crash: number, stop: number, ipfsDown: number, diskFull: number, split: number,
  earlyCrash: number, rot: number
  streams: number, standStill: number, starve: number, clocks: number
}

/** Everything that a seed decides beforehand. Times in milliseconds. */
export interface SimSettings {
  seed: number
  peers: PeerSettings[]
  /** Everybody trusts everybody. */
  isOpen: boolean
  network: SimFaults
  history: SimHistoryFaults
  ipfs: IpfsFaults
  diskDelayMs: number
  trouble: Trouble
  /** Actions of users, and the longest time between two. */
  steps: number
  stepMs: number
  /** Different items that they are about. */
  items: number
  /** Share of actions that come together with the one before. */
  bursts: number
  expiring: number
  /**
   * Shares of actions: peers that are taken out of the cluster, pins that update others, wishes that two peers get at once for the same
   * item, uploads.
   */
  removals: number
  updates: number
  twins: number
  adds: number
  /**
   * Share of actions: collections of garbage on all peers. Above 0 peers also collect by themselves, as with an embedded IPFS node, and
   * have little room.
   */
  collections: number
  rebroadcastIntervalMs: number
  repairIntervalMs: number
  pingIntervalMs: number
  recoverIntervalMs: number
  stateSyncIntervalMs: number
  replicationFactorMin: number
  replicationFactorMax: number
  disableRepinning: boolean
  pinOnlyOnTrustedPeers: boolean
  allocateBy: readonly string[]
}

const none: Trouble = {
  cut: 0, isolate: 0, heal: 0, crash: 0, stop: 0, ipfsDown: 0, diskFull: 0, split: 0, earlyCrash: 0, rot: 0, streams: 0, standStill: 0,
  starve: 0, clocks: 0
}
const noHistory: SimHistoryFaults = { pieceBlocks: 1, delayMs: 0, breaks: 0, standstills: 0 }
const noBatching = { maxBatchSize: 0, maxBatchAgeMs: 0, maxQueueSize: 50_000 }

/** The world of a seed. Each kind of trouble is there or not, so that seeds differ much. */
export function settingsOf (seed: number): SimSettings {
  const plain = plainSettings(seed)
  const settings = isRough(seed) ? roughened(plain, new Dice(seed ^ 0xbad)) : plain
  const rotting = seed % 4 === 1 ? { ...settings, trouble: { ...settings.trouble, rot: 0.4 } } : settings
  const streaming = hasHistory(seed) ? withHistory(rotting, new Dice(seed ^ 0x415)) : rotting
  const stalling = isStalling(seed) ? withStalls(streaming, new Dice(seed ^ 0x57a11)) : streaming
  const setting = hasSetClocks(seed) ? withSetClocks(stalling, new Dice(seed ^ 0xc10c)) : stalling
  return isCollecting(seed) ? withCollections(setting) : setting
}

function plainSettings (seed: number): SimSettings {
  const dice = new Dice(seed)
  const count = dice.pick([2, 3, 3, 3, 4, 4, 5])
  const ids = Array.from({ length: count }, (_, at) => aPeerId(at))
  const isOpen = dice.chance(0.75)
  const isSkewed = dice.chance(0.3)
  const min = dice.pick([-1, -1, 1, 1, 2])
  const share = (most: number): number => dice.chance(0.5) ? dice.between(0, most) : 0
  const trusted = isOpen ? [] : ids.slice(0, dice.whole(1, count))
  return {
    seed,
    isOpen,
    peers: ids.map((id, at) => ({
      id,
      name: `peer${at}`,
      trustedPeers: isOpen ? '*' : dice.chance(0.8) ? trusted : ids.filter(() => dice.chance(0.5)),
      givesHistory: false,
      followerMode: !isOpen && !trusted.includes(id) && dice.chance(0.5),
      skewMs: isSkewed && dice.chance(0.5) ? Math.round(dice.between(-600_000, 600_000)) : 0,
      batching: dice.chance(0.3)
        ? { maxBatchSize: dice.whole(2, 6), maxBatchAgeMs: dice.whole(200, 20_000), maxQueueSize: 1000 }
        : noBatching,
      storageBytes: (count - at) * 1e9,
      group: dice.pick(['a', 'b']),
      joinsAt: at > 0 && dice.chance(0.2) ? dice.float() : 0
    })),
    network: { delayMs: dice.pick([5, 100, 1500]), loss: share(0.4), duplication: share(0.3) },
    history: noHistory,
    ipfs: { delayMs: dice.pick([10, 2000, 20_000]), failures: share(0.4) },
    diskDelayMs: dice.pick([0, 5, 200]),
    trouble: {
      ...none, cut: share(0.15), isolate: share(0.05), heal: dice.between(0.05, 0.3), crash: share(0.15), stop: share(0.04),
      ipfsDown: share(0.04), diskFull: share(0.04)
    },
    steps: dice.whole(15, 50),
    stepMs: dice.pick([200, 5000, 40_000]),
    items: dice.pick([1, 3, 10]),
    bursts: dice.pick([0, 0.3, 0.8]),
    expiring: share(0.2),
    removals: 0.01,
    updates: 0.05,
    twins: 0,
    adds: 0,
    collections: 0,
    rebroadcastIntervalMs: 60_000,
    repairIntervalMs: dice.pick([300_000, 3_600_000]),
    pingIntervalMs: 30_000,
    recoverIntervalMs: 300_000,
    stateSyncIntervalMs: 120_000,
    replicationFactorMin: min,
    replicationFactorMax: min < 0 ? -1 : min + dice.whole(0, 1),
    disableRepinning: dice.chance(0.4),
    pinOnlyOnTrustedPeers: !isOpen && dice.chance(0.5),
    allocateBy: dice.pick([['freespace'], ['tag:group', 'freespace']])
  }
}
