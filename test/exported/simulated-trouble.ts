import type { Extensions } from '../../src/node/extensions.ts'
import { simulate } from '../sim/simulate.ts'

export interface TroubleInit {
  /** Everything follows from it: how many peers, what they want, what goes wrong and when. */
  seed: number
  /** What the peers are extended by; `at`: 0 for the first peer. An allocator's `allocateBy` has to be of metrics that all peers tell. */
  extend?: (at: number) => Extensions
  /** Is given every line of what happens. */
  print?: (line: string) => void
}

export interface TroubleResult {
  seed: number
  /** Broken promises, in words; none: the run is good. */
  faults: string[]
  /** The same for every run of this seed. */
  hash: string
  /** Simulated time, milliseconds. */
  durationMs: number
  /** Pins and unpins that were said to be done. */
  acknowledged: number
}

/**
 * Two to five whole peers on a simulated network, clock and disk, in trouble: lost messages, splits, power cuts, full disks, late joiners,
 * wrong clocks. Then peace, in which all must agree, nothing acknowledged may be lost, and every pin must be where it belongs.
 */
export async function simulateTrouble ({ seed, extend, print }: TroubleInit): Promise<TroubleResult> {
  const result = await simulate(seed, {
    ...(print == null ? {} : { print }),
    change: settings => extend == null
      ? settings
      : { ...settings, peers: settings.peers.map((peer, at) => ({ ...peer, extensions: extend(at) })) }
  })
  const { faults, hash, durationMs, acknowledged } = result
  return { seed, faults, hash, durationMs, acknowledged }
}
