import type { CID } from 'multiformats/cid'
import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { PinProgress } from '../ipfs.ts'
import { pinTimeoutText } from '../ipfs.ts'

export interface PinWatchInit {
  cid: CID
  /** Longest time without progress; 0: any. Milliseconds. */
  pinTimeoutMs: number
}

/** One running pin: what Kubo says of its progress, and a signal that aborts with TIMEOUT when it makes none. */
export class PinWatch {
  readonly #init: PinWatchInit
  readonly #clock: Clock
  readonly #abort = new AbortController()
  readonly #startedAt: number
  #phase: PinProgress['phase'] = 'connecting'
  #blocks = 0
  #bytes = 0
  #cancelTimer: () => void = () => {}

  constructor (init: PinWatchInit, clock: Clock) {
    this.#init = init
    this.#clock = clock
    this.#startedAt = clock.now()
  }

  get signal (): AbortSignal { return this.#abort.signal }

  /** The fetching begins: from now on there has to be progress. */
  begin (): void {
    this.#phase = 'fetching'
    this.#arm()
  }

  /** Blocks and bytes of the DAG that Kubo has seen so far. */
  saw (blocks: number, bytes: number): void {
    if (blocks <= this.#blocks) return
    this.#blocks = blocks
    this.#bytes = bytes
    this.#arm()
  }

  end (outcome: 'done' | 'failed'): void {
    this.#cancelTimer()
    if (outcome === 'done') this.#phase = 'done'
    this.#abort.abort(new Error('the pin has ended'))
  }

  progress (): PinProgress {
    return {
      phase: this.#phase,
      blocks: this.#blocks,
      bytes: this.#bytes,
      // Kubo doesn't tell these
      fetchedBlocks: 0,
      fetchedBytes: 0,
      wantedBlock: null,
      wantedSince: null,
      peersAsked: [],
      nextTryAt: null,
      startedAt: this.#startedAt
    }
  }

  #arm (): void {
    this.#cancelTimer()
    const { cid, pinTimeoutMs } = this.#init
    if (pinTimeoutMs === 0) return
    this.#cancelTimer = this.#clock.after(pinTimeoutMs, () =>
      this.#abort.abort(new ClusterError('TIMEOUT', { cid: cid.toString(), pinTimeoutMs, blocks: this.#blocks }, {
      message: pinTimeoutText
    })))
  }
}
