import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Consensus, PinState } from '../../consensus/consensus.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { TrackerOptions } from '../tracker.ts'
import { desiredState } from './operation-runner.ts'
import type { OperationTable } from './operation-table.ts'
import { keyOf } from './operation-table.ts'

export interface SurplusRootsDeps {
  state: PinState
  progress: () => Pick<ReturnType<Consensus['progress']>, 'heads' | 'dirty' | 'behind' | 'damaged'>
  ipfs: Pick<IpfsConnector, 'ownRoots' | 'pinCount'>
  table: Pick<OperationTable, 'get'>
  clock: Pick<Clock, 'elapsed'>
  log: Logger
}

/** A root that the pinset doesn't want here, and how it is to go. */
export interface SurplusRoot { key: string, cid: CID, desired: 'unpin' | 'remote' }

/**
 * How long the pinset must have been whole before roots go that it has never heard of: it may have been removed or replaced on purpose, and
 * be about to come back from the other peers.
 */
const strangersStayMs = 3_600_000

/**
 * Finds roots that were left behind: a process that is killed between the change of the pinset and the row in the table of unfinished
 * unpins, or a power cut that takes that row, forgets what it owed its node. Looks only while the pinset is known to be whole, and asks it
 * about each root: memory doesn't grow with either.
 */
export class SurplusRoots {
  readonly #self: PeerId
  readonly #deps: SurplusRootsDeps
  #wholeSince: number | undefined

  constructor (self: PeerId, deps: SurplusRootsDeps) {
    this.#self = self
    this.#deps = deps
  }

  /** In batches. `wanted`: how many of the node's roots are wanted, if that is known; nothing is read when there are no others. */
  async * list (wanted: number | undefined, options: TrackerOptions): AsyncGenerator<SurplusRoot[]> {
    if (!this.#isPinsetWhole()) return
    if (wanted === this.#deps.ipfs.pinCount()) return
    for await (const cids of this.#deps.ipfs.ownRoots(options)) {
      const found: SurplusRoot[] = []
      for (const cid of cids) {
        const desired = await this.#surplus(cid)
        if (desired != null) found.push({ key: keyOf(cid), cid, desired })
      }
      if (!this.#isPinsetWhole()) return
      if (found.length > 0) yield found
    }
  }

  /**
   * One without any head is new, or was emptied and may come back from others; one that was damaged may have lost what its node still
   * holds.
   */
  #isPinsetWhole (): boolean {
    const { heads, dirty, behind, damaged } = this.#deps.progress()
    const isWhole = heads.length > 0 && !dirty && !behind && damaged !== true
    this.#wholeSince = isWhole ? this.#wholeSince ?? this.#deps.clock.elapsed() : undefined
    return isWhole
  }

  /** What has an operation is in the tracker's hands. */
  async #surplus (cid: CID): Promise<SurplusRoot['desired'] | undefined> {
    if (this.#deps.table.get(keyOf(cid)) != null) return undefined
    const desired = desiredState(this.#deps.state.get(cid), this.#self)
    if (desired === 'remote') return desired
    if (desired !== 'unpin') return undefined
    const isOver = this.#isKnownLong() || await this.#deps.state.wasUnpinned(cid)
    return isOver && !this.#deps.state.has(cid) ? 'unpin' : undefined
  }

  #isKnownLong (): boolean { return this.#wholeSince != null && this.#deps.clock.elapsed() - this.#wholeSince >= strangersStayMs }
}
