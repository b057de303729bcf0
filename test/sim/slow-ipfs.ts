import type { Clock } from '../../src/base/clock.ts'
import { ClusterError } from '../../src/base/errors.ts'
import type { CollectionOptions, IpfsConnector, IpfsOptions } from '../../src/ipfs/ipfs.ts'
import type { CID } from '../../src/model/cid.ts'
import type { Pin } from '../../src/model/pin.ts'
import type { ComposedIpfs } from '../../src/node/compose/compose-ipfs.ts'
import { overrideMethods } from '../../src/observe/method-overrides.ts'
import { memoryNames } from '../support/memory-names.ts'
import type { Dice } from './dice.ts'

/** How an IPFS node behaves now. */
export interface IpfsFaults {
  /** Longest duration of a pin or unpin. Milliseconds. */
  delayMs: number
  /** Share of pins and unpins that fail, 0 to 1. */
  failures: number
}

export interface SlowIpfsDeps {
  node: IpfsConnector
  clock: Clock
  dice: Dice
  faults: IpfsFaults
  /** What this peer's pinset wants of its node now. */
  wanted: () => Promise<ReadonlySet<string>>
  /** Told of a wanted root whose block a collection took. */
  lost: (cid: CID) => void
}

/**
 * A peer's connection to an IPFS node that outlives it. Pins and unpins take time, before and after they take effect; by the clock of one
 * run of the peer, so that nothing goes on once the power is gone.
 */
export function slowIpfs ({ node, clock, dice, faults, wanted, lost }: SlowIpfsDeps): ComposedIpfs {
  const slowly = async ({ signal }: IpfsOptions, act: () => Promise<void>): Promise<void> => {
    await clock.sleep(dice.between(0, faults.delayMs), signal)
    if (dice.chance(faults.failures)) throw new ClusterError('IPFS_ERROR', {}, { message: 'a fault of the simulation' })
    await act()
    if (dice.chance(0.5)) await clock.sleep(dice.between(0, faults.delayMs / 4), signal)
  }
  const replaced: Record<string, unknown> = {
    pin: async (pin: Pin, options: IpfsOptions = {}) => slowly(options, async () => node.pin(pin, options)),
    unpin: async (cid: CID, options: IpfsOptions = {}) => slowly(options, async () => node.unpin(cid, options)),
    repoGc: async function * (options: CollectionOptions = {}) {
      const before = await wanted()
      for await (const key of node.repoGc(options)) {
        const cid = key.key
        if (cid != null && before.has(cid.toString()) && (await wanted()).has(cid.toString())) lost(cid)
        yield key
      }
    }
  }
  return Object.assign(overrideMethods(node, name => replaced[name] as never), { names: memoryNames() })
}
