import type { SimSettings } from './settings.ts'
import type { World } from './world.ts'
import type { Dice } from './dice.ts'

/**
 * True for the seeds of worlds in which the wall clocks of peers are set while they run. No seed of seeds.txt that is older than this is
 * among these.
 */
export const hasSetClocks = (seed: number): boolean => [0, 5].includes(seed % 19)

/** Adds this trouble to the world of a seed. */
export function withSetClocks (settings: SimSettings, dice: Dice): SimSettings {
  return { ...settings, trouble: { ...settings.trouble, clocks: dice.between(0.1, 0.5) } }
}

const hourMs = 3_600_000
/** How long a clock stays wrong. Milliseconds. */
const longestWrongMs = 900_000

/** Sets the clock of a peer, forward or back. Draws nothing where it never happens, and from dice of its own: the rest goes on as it would. */
export function setClocks (world: World): void {
  const { clock, clockDice: dice, settings: { trouble }, trace, wrongClocks } = world
  if (trouble.clocks === 0 || !dice.chance(trouble.clocks)) return
  const peer = dice.pick(world.peers)
  const byMs = Math.round(dice.pick([-hourMs, hourMs, dice.between(-60_000, 60_000)]))
  const forMs = dice.between(1, longestWrongMs)
  if (wrongClocks.has(peer)) return
  trace.note(`clock ${peer.settings.name} ${byMs}`)
  const rightMs = peer.skewMs
  peer.setClock(rightMs + byMs)
  const setRight = (): void => {
    trace.note(`clock ${peer.settings.name} right`)
    wrongClocks.delete(peer)
    peer.setClock(rightMs)
  }
  const cancel = clock.after(forMs, setRight)
  wrongClocks.set(peer, () => {
    cancel()
    setRight()
  })
}

/** All clocks are as right as they were at first. */
export function endSetClocks ({ wrongClocks }: World): void { for (const setRight of wrongClocks.values()) setRight() }
