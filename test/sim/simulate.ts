import { act } from './actions.ts'
import type { Seen } from './agreement.ts'
import { disagreements, globalStatusFaults, lookAtAll, unrest } from './agreement.ts'
import { brokenPromises } from './promises.ts'
import type { SimSettings } from './settings.ts'
import { settingsOf } from './settings.ts'
import { endTrouble, makeTrouble, startInTrouble } from './trouble.ts'
import { World } from './world.ts'

export interface SimResult {
  seed: number
  /** Broken promises; none: the run is good. */
  faults: string[]
  /** The same for every run of this seed. */
  hash: string
  events: number
  /** Simulated time, milliseconds. */
  durationMs: number
  /** What was said to users, for a look at how much a run covers. */
  acknowledged: number
  /** Blocks that came as a stream, and streams that broke. */
  streamed: number
  broken: number
}

export interface SimOptions {
  /** Is given every line of the trace. */
  print?: (line: string) => void
  /** Changes what the seed says. */
  change?: (settings: SimSettings) => SimSettings
}

const minuteMs = 60_000
/** Retries of the slowest kind come within an hour. */
const longestSettlingMs = 6 * 3_600_000

/** Runs one world: trouble, then peace; then everything must agree. */
export async function simulate (seed: number, { print, change = settings => settings }: SimOptions = {}): Promise<SimResult> {
  const world = new World(change(settingsOf(seed)), print)
  const startedAt = world.clock.now()
  await timeOfTrouble(world)
  if (world.faults.length === 0) await timeOfPeace(world)
  if (world.faults.length === 0) await end(world)
  const { faults, trace, ledger } = world
  const acknowledged = [...ledger.puts, ...ledger.removals].filter(({ outcome }) => outcome === 'acknowledged').length
  const { blocks: streamed, broken } = world.network.history.counts
  return { seed, faults, hash: trace.hash, events: trace.events, durationMs: world.clock.now() - startedAt, acknowledged, streamed, broken }
}

async function timeOfTrouble (world: World): Promise<void> {
  const { clock, dice, settings, peers } = world
  const late = peers.filter(({ settings: { joinsAt } }) => joinsAt > 0)
  for (const peer of peers) if (!late.includes(peer)) world.start(peer)
  await clock.advance(dice.between(0, 20_000))
  for (let step = 0; step < settings.steps && world.faults.length === 0; step++) {
    for (const peer of late) if (peer.starts === 0 && peer.settings.joinsAt * settings.steps <= step) startInTrouble(world, peer)
    makeTrouble(world)
    act(world)
    if (dice.chance(settings.bursts)) continue
    await clock.advance(dice.between(0, settings.stepMs))
    if (dice.chance(0.1)) for (const peer of peers) await world.checkDirty(peer)
  }
}

async function timeOfPeace (world: World): Promise<void> {
  const { clock, peers } = world
  const until = clock.now() + longestSettlingMs
  let left: string[] = []
  world.trace.note('peace')
  endTrouble(world)
  await clock.advance(11 * minuteMs) // who was away comes back by itself
  for (const peer of peers) if (peer.run == null) world.start(peer)
  let quiet = 0
  let blocks = 0
  while (quiet < quietMinutes(world) && clock.now() < until && world.faults.length === 0) {
    await clock.advance(minuteMs)
    for (const peer of peers) await world.checkDirty(peer)
    left = unrest(world)
    if (left.length === 0) left = await disagreements(world, await lookAtAll(world))
    if (left.length === 0 && world.blocks.size > blocks) left = ['the pinset still changes']
    blocks = world.blocks.size
    quiet = left.length === 0 ? quiet + 1 : 0
  }
  for (const fault of left) world.fault(fault)
  if (left.length > 0) return
  const all = await lookAtAll(world)
  for (const fault of [...brokenPromises(world, all), ...await inTime(world, all)]) world.fault(fault)
}

/** Removals of peers may look at pins only every five minutes. */
const quietMinutes = ({ hasRemovals }: World): number => hasRemovals ? 11 : 3

async function inTime (world: World, all: readonly Seen[]): Promise<string[]> {
  let faults = ['a global status was not answered']
  globalStatusFaults(world, world.dice.pick(all)).then(found => { faults = found }, err => {
    faults = [`a global status fails: ${String(err)}`]
  })
  await world.clock.advance(minuteMs)
  return faults
}

/** An orderly end leaves nothing behind. */
async function end (world: World): Promise<void> {
  for (const peer of world.peers) world.stop(peer)
  await world.clock.advance(5 * minuteMs)
  for (const { run, settings } of world.peers) if (run != null) world.fault(`${settings.name} does not stop`)
  if (world.clock.pending > 0) world.fault(`${world.clock.pending} timers are left`)
}
