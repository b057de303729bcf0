import type { Dice } from './dice.ts'
import type { SimSettings } from './settings.ts'

/** True for the seeds of rough worlds: partitions that outlast alerts, and users who get in each other's way. */
export const isRough = (seed: number): boolean => [2, 3].includes(seed % 5)

/** Makes the world of a seed a rough one. */
export function roughened (settings: SimSettings, dice: Dice): SimSettings {
  const share = (most: number): number => dice.chance(0.6) ? dice.between(0, most) : 0
  const peers = settings.peers.map((peer, at) => at > 0 && dice.chance(0.3) ? { ...peer, joinsAt: dice.float() } : peer)
  const min = dice.pick([-1, 1, 1, 2, 2])
  return {
    ...settings,
    peers,
    trouble: { ...settings.trouble, heal: dice.between(0, 0.1), split: share(0.25), earlyCrash: share(0.6) },
    steps: dice.whole(20, 60),
    stepMs: dice.pick([5000, 40_000, 120_000]),
    items: dice.pick([1, 3, 10, 30]),
    bursts: dice.pick([0, 0.3, 0.8]),
    expiring: share(0.5),
    removals: dice.pick([0, 0.01, 0.1, 0.2]),
    updates: dice.pick([0.05, 0.3]),
    twins: share(0.5),
    adds: share(0.3),
    replicationFactorMin: min,
    replicationFactorMax: min < 0 ? -1 : min + dice.whole(0, 1)
  }
}
