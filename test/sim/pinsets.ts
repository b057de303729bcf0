import { digestRecord, rowRecord, valueRecord } from '../../src/consensus/crdt/layout.ts'
import { decodeValueRecord, encodeValueRecord } from '../../src/consensus/crdt/value-record.ts'
import { encodePin } from '../../src/wire/pin.ts'
import { pinKey } from '../../src/wire/pin-key.ts'
import { cidFor, pinFor } from '../support/pins.ts'
import { act } from './actions.ts'
import { Dice } from './dice.ts'
import type { SimSettings } from './settings.ts'
import { settingsOf } from './settings.ts'
import type { SimPeer } from './sim-peer.ts'
import { World } from './world.ts'

/**
 * A world in which one pinset becomes another one without a change. `alarmMs`: how long after that a peer told of it; undefined: never.
 * `faults`: who told of whom before, and what else went wrong.
 */
export interface SilentDifference { seed: number, faults: string[], hash: string, alarmMs: number | undefined, intervalMs: number }

const intervalMs = 120_000
const minuteMs = 60_000
const untouched = 'the pin that nobody changes'

/** Everybody trusts everybody, and nothing goes wrong but in the network: what differs is the disk's doing. */
function silentSettings (seed: number): SimSettings {
  const plain = settingsOf(seed)
  const dice = new Dice(seed ^ 0x51e7)
  const none = Object.fromEntries(Object.keys(plain.trouble).map(kind => [kind, 0])) as unknown as SimSettings['trouble']
  return {
    ...plain,
    isOpen: true,
    peers: plain.peers.slice(0, 4).map(peer => ({
      ...peer, trustedPeers: '*', followerMode: false, joinsAt: 0, skewMs: dice.whole(-3000, 3000)
    })),
    network: { delayMs: dice.pick([5, 200, 2000]), loss: dice.pick([0, 0.05, 0.1]), duplication: 0 },
    ipfs: { delayMs: 10, failures: 0 },
    diskDelayMs: 0,
    trouble: none,
    stepMs: dice.pick([2000, 20_000]),
    items: 30,
    removals: 0,
    collections: 0,
    pingIntervalMs: 15_000,
    stateSyncIntervalMs: intervalMs
  }
}

/** Users pin, change and unpin on and on; one peer's disk gets another value, or none, of a pin that they leave alone. */
export async function simulateSilentDifference (
  seed: number, { print }: { print?: (line: string) => void } = {}
): Promise<SilentDifference> {
  const world = new World(silentSettings(seed), print)
  const { clock, dice, peers } = world
  for (const peer of peers) world.start(peer)
  await clock.advance(minuteMs)
  await peers[0]?.run?.consensus.put(pinFor(untouched))
  await busy(world, dice.between(2, 5) * minuteMs)
  await clock.until(() => peers.every(({ run }) => run?.consensus.state.has(cidFor(untouched)) === true))
  world.expectsAlarms = true
  const isEarly = world.alarms.length > 0
  const since = clock.now()
  await differSilently(world, dice.pick(peers))
  await busy(world, 3 * intervalMs)
  const alarmMs = isEarly ? undefined : world.alarms[0]?.at
  for (const peer of peers) world.stop(peer)
  await clock.advance(5 * minuteMs)
  return { seed, faults: world.faults, hash: world.trace.hash, alarmMs: alarmMs == null ? undefined : alarmMs - since, intervalMs }
}

async function busy (world: World, ms: number): Promise<void> {
  const { clock, dice, settings: { stepMs } } = world
  const until = clock.now() + ms
  while (clock.now() < until) {
    act(world)
    await clock.advance(Math.min(until - clock.now(), dice.between(0, stepMs)))
  }
}

/** The disk has another value of a pin, or none, after a power cut; its blocks and heads are as they were. */
async function differSilently (world: World, peer: SimPeer): Promise<void> {
  // what was merged before is on the disk with this
  await peer.run?.consensus.put(pinFor('synced'))
  world.crash(peer)
  const disk = peer.pinsetDisk.datastore()
  await disk.start(new AbortController().signal)
  const key = pinKey(cidFor(untouched))
  const record = decodeValueRecord(disk.get(valueRecord(key)) ?? new Uint8Array(0))
  const isLost = world.dice.chance(0.5)
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
  world.trace.note(`silently different ${peer.settings.name}`)
  world.start(peer)
}
