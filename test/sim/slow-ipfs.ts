import type { Clock } from '../../src/base/clock.ts'
import { ClusterError } from '../../src/base/errors.ts'
import type { IpfsConnector, IpfsOptions, IpfsPinStatus, PinnedView, PinProgress } from '../../src/ipfs/ipfs.ts'
import type { CID } from '../../src/model/cid.ts'
import type { Pin } from '../../src/model/pin.ts'
import type { Dice } from './dice.ts'

/** How an IPFS node behaves now. */
export interface IpfsFaults {
  /** Longest duration of a pin or unpin. Milliseconds. */
  delayMs: number
  /** Share of pins and unpins that fail, 0 to 1. */
  failures: number
}

export interface SlowIpfsDeps { node: IpfsConnector, clock: Clock, dice: Dice, faults: IpfsFaults }

/**
 * A tracker's connection to an IPFS node that outlives it. Pins and unpins take time, before and after they take effect; by the clock of one run of the
 * peer, so that nothing goes on once the power is gone.
 */
export class SlowIpfs implements Pick<IpfsConnector, 'pin' | 'unpin' | 'progress' | 'pinStatus' | 'pinnedView' | 'pinCount' | 'ownRoots'> {
  readonly #deps: SlowIpfsDeps

  constructor (deps: SlowIpfsDeps) { this.#deps = deps }

  async pin (pin: Pin, options: IpfsOptions = {}): Promise<void> { return this.#slowly(options, async () => this.#deps.node.pin(pin, options)) }
  async unpin (cid: CID, options: IpfsOptions = {}): Promise<void> { return this.#slowly(options, async () => this.#deps.node.unpin(cid, options)) }
  async pinStatus (pin: Pin, options?: IpfsOptions): Promise<IpfsPinStatus> { return this.#deps.node.pinStatus(pin, options) }
  async pinnedView (options?: IpfsOptions): Promise<PinnedView> { return this.#deps.node.pinnedView(options) }

  progress (cid: CID): PinProgress | undefined { return this.#deps.node.progress(cid) }
  pinCount (): number { return this.#deps.node.pinCount() }
  ownRoots (options?: IpfsOptions): AsyncIterable<CID[]> { return this.#deps.node.ownRoots(options) }

  async #slowly ({ signal }: IpfsOptions, act: () => Promise<void>): Promise<void> {
    const { clock, dice, faults } = this.#deps
    await clock.sleep(dice.between(0, faults.delayMs), signal)
    if (dice.chance(faults.failures)) throw new ClusterError('IPFS_ERROR', {}, { message: 'a fault of the simulation' })
    await act()
    if (dice.chance(0.5)) await clock.sleep(dice.between(0, faults.delayMs / 4), signal)
  }
}
