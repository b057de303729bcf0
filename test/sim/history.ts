import type { Dice } from './dice.ts'
import type { SimSettings } from './settings.ts'

/**
 * True for the seeds of worlds in which peers give each other their history as streams. No seed of seeds.txt that is older than them is
 * among these.
 */
export const hasHistory = (seed: number): boolean => seed % 13 % 3 === 1

/**
 * Most peers speak the protocol, as in a cluster of Node peers with some of Go. Peers join late and are apart for long, so that there is
 * much to be given; streams come in small pieces, and many don't come to their end.
 */
export function withHistory (settings: SimSettings, dice: Dice): SimSettings {
  const share = (most: number): number => dice.chance(0.6) ? dice.between(0, most) : 0
  const { trouble, network } = settings
  return {
    ...settings,
    peers: settings.peers.map((peer, at) => ({
      ...peer, givesHistory: dice.chance(0.8), joinsAt: at > 0 && dice.chance(0.4) ? dice.float() : peer.joinsAt
    })),
    history: { pieceBlocks: dice.pick([1, 3, 10]), delayMs: dice.pick([5, 300, 3000]), breaks: share(0.3), standstills: share(0.15) },
    network: { ...network, loss: dice.pick([network.loss, dice.between(0, 0.8)]) },
    trouble: { ...trouble, isolate: Math.max(trouble.isolate, share(0.1)), split: Math.max(trouble.split, share(0.15)) },
    steps: dice.whole(30, 150),
    bursts: dice.pick([0.3, 0.8, 0.95])
  }
}
