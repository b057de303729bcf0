import type { CID } from 'multiformats/cid'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import { limitKeys } from '../../../model/pin-limits.ts'
import type { PinLimits } from '../../../model/pin-limits.ts'
import type { PinProgress } from '../../ipfs.ts'
import { pinTimeoutText } from '../../ipfs.ts'
import type { Flight } from '../retrieval/block-fetcher.ts'

export interface PinRunInit { cid: CID, pinTimeoutMs: number, limits: PinLimits }
export interface PinRunDeps { clock: Clock, flight: (cid: CID) => Flight | undefined }

type Wanted = Pick<PinProgress, 'wantedBlock' | 'wantedSince' | 'peersAsked' | 'nextTryAt'> & { lack: Flight['lack'] }

/**
 * One running pin: counts what it has seen, and aborts its own signal with TIMEOUT when no block came for `pinTimeoutMs` while one was
 * wanted.
 * Local content never starts a timer. Aborts itself with CONTENT_TOO_LARGE as soon as more was seen than the limits allow.
 */
export class PinRun {
  readonly #init: PinRunInit
  readonly #deps: PinRunDeps
  readonly #abort = new AbortController()
  readonly #wanted = new Map<CID, number>()
  readonly #startedAt: number
  #blocks = 0
  #bytes = 0
  #fetchedBlocks = 0
  #fetchedBytes = 0
  /** By the time of the process: what the clock is set to ends no pin. */
  #movedAt: number
  #phase: PinProgress['phase'] = 'connecting'
  #cancelTimer: (() => void) | undefined
  #last: Wanted | undefined

  constructor (init: PinRunInit, deps: PinRunDeps) {
    this.#init = init
    this.#deps = deps
    this.#startedAt = deps.clock.now()
    this.#movedAt = deps.clock.elapsed()
  }

  get signal (): AbortSignal { return this.#abort.signal }

  abort (reason: Error): void { this.#abort.abort(reason) }

  /** The caller's signal ends this run, too. */
  follow (parent: AbortSignal | undefined): void {
    if (parent?.aborted === true) this.#abort.abort(parent.reason)
    parent?.addEventListener('abort', () => this.#abort.abort(parent.reason), { once: true, signal: this.#abort.signal })
  }

  /** Counts a block that was seen. */
  saw (bytes: number): void {
    this.#blocks++
    this.#bytes += bytes
    if (this.#phase === 'connecting') this.#phase = 'fetching'
    const { maxBytes, maxBlocks } = this.#init.limits
    if (this.#bytes > maxBytes) this.abort(this.#tooLarge(`${limitKeys.maxBytes} ${maxBytes} bytes`))
    else if (this.#blocks > maxBlocks) this.abort(this.#tooLarge(`${limitKeys.maxBlocks} ${maxBlocks}`))
  }

  #tooLarge (limit: string): ClusterError {
    return new ClusterError('CONTENT_TOO_LARGE', { cid: this.#init.cid.toString(), bytes: this.#bytes, blocks: this.#blocks }, {
      message: `the content is larger than its pin may be (${limit}): ${this.#bytes} bytes in ${this.#blocks} blocks were seen when fetching ended`
    })
  }

  /** Runs a fetch of a block that isn't here; its time counts. */
  async fetching (cid: CID, fetch: (signal: AbortSignal) => Promise<Uint8Array>): Promise<Uint8Array> {
    if (this.#wanted.size === 0) this.#movedAt = this.#deps.clock.elapsed()
    this.#wanted.set(cid, this.#deps.clock.now())
    this.#cancelTimer ??= this.#deps.clock.after(this.#init.pinTimeoutMs, () => this.#check())
    const bytes = await fetch(this.signal)
    this.#wanted.delete(cid)
    this.#fetchedBlocks++
    this.#fetchedBytes += bytes.length
    this.#movedAt = this.#deps.clock.elapsed()
    return bytes
  }

  storing (): void { this.#phase = 'storing' }

  /** The run is over. What was wanted at a failure stays to be seen. */
  end (outcome: 'done' | 'failed'): void {
    this.#cancelTimer?.()
    // what ran into the time limit was noted then: its fetch may be over by now
    this.#last ??= this.#wantedNow()
    if (outcome === 'done') this.#phase = 'done'
    this.#wanted.clear()
    // lets go of the caller's signal
    this.#abort.abort(new Error('the pin has ended'))
  }

  progress (): PinProgress {
    const { lack, ...wanted } = this.#last ?? this.#wantedNow()
    return {
      phase: lack ?? this.#phase,
      blocks: this.#blocks,
      bytes: this.#bytes,
      fetchedBlocks: this.#fetchedBlocks,
      fetchedBytes: this.#fetchedBytes,
      ...wanted,
      startedAt: this.#startedAt
    }
  }

  #wantedNow (): Wanted {
    const [oldest] = this.#wanted
    if (oldest == null) return { wantedBlock: null, wantedSince: null, peersAsked: [], nextTryAt: null, lack: null }
    const flight = this.#deps.flight(oldest[0])
    return {
      wantedBlock: oldest[0], wantedSince: oldest[1], peersAsked: [...flight?.asked ?? []], nextTryAt: flight?.nextTryAt ?? null,
      lack: flight?.lack ?? null
    }
  }

  #check (): void {
    const { pinTimeoutMs, cid } = this.#init
    const leftMs = this.#movedAt + pinTimeoutMs - this.#deps.clock.elapsed()
    this.#cancelTimer = undefined
    if (this.#wanted.size === 0) return
    if (leftMs > 0) {
      this.#cancelTimer = this.#deps.clock.after(leftMs, () => this.#check())
      return
    }
    const { wantedBlock, peersAsked } = this.#last = this.#wantedNow()
    this.#abort.abort(new ClusterError('TIMEOUT',
    { cid: cid.toString(), pinTimeoutMs, wanted: String(wantedBlock), peersAsked: peersAsked.length }, {
      message: pinTimeoutText
    }))
  }
}
