import type { Dice } from './dice.ts'
import type { SimSettings } from './settings.ts'
import type { SimPeer } from './sim-peer.ts'
import type { World } from './world.ts'

/**
 * True for the seeds of worlds in which streams die alone and processes stand still or starve. No seed of seeds.txt that is older than they
 * are is among these.
 */
export const isStalling = (seed: number): boolean => [0, 1].includes(seed % 9) || [7, 10].includes(seed % 13)

/** Adds these troubles to the world of a seed. */
export function withStalls (settings: SimSettings, dice: Dice): SimSettings {
  const share = (most: number): number => dice.chance(0.7) ? dice.between(0, most) : 0
  return { ...settings, trouble: { ...settings.trouble, streams: share(0.4), standStill: share(0.15), starve: share(0.15) } }
}

/** How long a stream of gossip is away when its end opens it again. Milliseconds. */
const reopenedWithinMs = 30_000
/** Share of streams that nobody opens again while the connection lives. */
const givenUp = 0.3
const longestStandstillMs = 600_000
const longestStarvationMs = 600_000

/** What goes wrong while connections live. Draws nothing where it never happens. */
export function makeStalls (world: World): void {
  const { dice, peers, settings: { trouble } } = world
  if (trouble.streams > 0 && dice.chance(trouble.streams)) endStream(world, dice.pick(peers), dice.pick(peers))
  if (trouble.standStill > 0 && dice.chance(trouble.standStill)) standStill(world, dice.pick(peers))
  if (trouble.starve > 0 && dice.chance(trouble.starve)) starve(world, dice.pick(peers))
}

/** Everybody runs, in time. Streams that were given up stay away: peers have to notice. */
export function endStalls ({ peers }: World): void {
  for (const { run } of peers) {
    run?.clock.goOn()
    run?.clock.starve(0)
  }
}

/** One direction of gossip, or both, between two peers that are connected and stay so. */
function endStream ({ dice, network, trace }: World, from: SimPeer, to: SimPeer): void {
  if (from === to) return
  const isGivenUp = dice.chance(givenUp)
  const ways = dice.chance(0.3) ? [[from, to], [to, from]] as const : [[from, to]] as const
  for (const [one, other] of ways) {
    const awayMs = isGivenUp ? undefined : dice.between(100, reopenedWithinMs)
    trace.note(`stream ends ${one.settings.name} > ${other.settings.name} ${awayMs == null ? 'for good' : ''}`)
    network.endGossip(one.id, other.id, awayMs)
  }
}

/** As a stopped process, or a machine that is suspended: what comes waits, and its clock goes on. */
function standStill ({ clock, dice, trace }: World, { run, settings }: SimPeer): void {
  const ms = dice.between(1000, dice.pick([10_000, 90_000, longestStandstillMs]))
  if (run?.isReady !== true || run.clock.isHeld) return
  trace.note(`stands still ${settings.name}`)
  run.clock.standStill()
  clock.after(ms, () => {
    trace.note(`goes on ${settings.name}`)
    run.clock.goOn()
  })
}

/** Everything comes late: timers, messages, the disk. */
function starve ({ clock, dice, trace }: World, { run, settings }: SimPeer): void {
  const [latenessMs, ms] = [dice.pick([1000, 10_000, 60_000]), dice.between(1000, longestStarvationMs)]
  if (run?.isReady !== true) return
  trace.note(`starves ${settings.name}`)
  run.clock.starve(latenessMs, dice)
  clock.after(ms, () => run.clock.starve(0))
}
