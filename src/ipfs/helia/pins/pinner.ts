import type { CID } from 'multiformats/cid'
import { keepNewest } from '../../../base/keep-newest.ts'
import type { Blockstore } from '../../../blockstore/blockstore.ts'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import { noLimits, pinLimits, stricter } from '../../../model/pin-limits.ts'
import type { PinLimits } from '../../../model/pin-limits.ts'
import type { Pin } from '../../../model/pin.ts'
import type { PinContentOptions, PinProgress } from '../../ipfs.ts'
import type { BlockFetcher } from '../retrieval/block-fetcher.ts'
import type { Guard, Protection, Root, RootTable, WalkOptions } from '../repository/repository.ts'
import type { IpfsNetwork } from '../network/node.ts'
import { PinRun } from './pin-run.ts'

export interface DagPinnerInit {
  /** Longest time without a block that came from the network. Milliseconds. */
  pinTimeoutMs: number
  /** Blocks that a pin asks for at a time. */
  fetchConcurrency: number
  /** Of every pin; one may have lower ones of its own. Default: none. */
  pinLimits?: PinLimits
}

export interface DagPinnerDeps {
  blockstore: Blockstore
  roots: RootTable
  protection: Protection
  walk: (root: CID, options: WalkOptions) => Promise<unknown>
  /** True for blocks without links. */
  isLeaf: (cid: CID) => boolean
  fetcher: BlockFetcher
  network: IpfsNetwork
  networkReady: (signal: AbortSignal) => Promise<void>
  /** Throws for what may not be kept. */
  refuse: (cid: CID) => void
  clock: Clock
  log: Logger
}

/** How many failed pins are remembered for `progress`. */
const failuresKept = 256
const originsDialled = 10

/** Makes roots: fetches what is missing of a DAG under a guard, then enters the root. */
export class DagPinner {
  readonly #init: DagPinnerInit
  readonly #deps: DagPinnerDeps
  readonly #runs = new Map<string, PinRun>()
  readonly #failed = new Map<string, PinProgress>()

  constructor (init: DagPinnerInit, deps: DagPinnerDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** Resolves to false when it was pinned already. */
  async pin (pin: Pin, options: PinContentOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted()
    const { cid, maxDepth: depth } = pin
    if (!needsPin(this.#deps.roots.get(cid), cid, depth)) return false
    const guard = this.#deps.protection.guard()
    try {
      await guard.protect([cid])
      if (!this.#isWholeHere(pin)) await this.#fetchAll(pin, guard, options)
      options.onWhole?.()
      await this.#deps.roots.add({ cid, depth })
      return true
    } finally {
      guard.release()
    }
  }

  /** No root, and nothing missing. Not while a collection runs: it may be about to take the block. */
  isWhole (pin: Pin): boolean {
    return !this.#deps.protection.isCollecting && this.#isWholeHere(pin) && this.#deps.roots.get(pin.cid) == null
  }

  /** Makes roots of pins of which `isWhole` was said in this tick: a collection that begins now finds the roots. */
  async pinWhole (pins: readonly Pin[]): Promise<void> {
    const late: Array<{ cid: CID, written: Promise<void> }> = []
    for (const { cid, maxDepth: depth } of pins) {
      const written = this.#deps.roots.addSoon({ cid, depth })
      if (written != null) late.push({ cid, written })
    }
    if (late.length > 0) await this.#keepUntilWritten(late)
  }

  async #keepUntilWritten (late: ReadonlyArray<{ cid: CID, written: Promise<void> }>): Promise<void> {
    const guard = this.#deps.protection.guard()
    try {
      await Promise.all([guard.protect(late.map(({ cid }) => cid)), ...late.map(async ({ written }) => written)])
    } finally {
      guard.release()
    }
  }

  /** Ends all running pins with this error. */
  stop (reason: Error): void {
    for (const run of this.#runs.values()) run.abort(reason)
  }

  progress (cid: CID): PinProgress | undefined {
    const key = cid.toString()
    return this.#runs.get(key)?.progress() ?? this.#failed.get(key)
  }

  /** Without reading: a block that has no links, or whose links don't count, is all there is. */
  #isWholeHere (pin: Pin): boolean {
    const { cid, maxDepth: depth } = pin
    if (depth !== 0 && !this.#deps.isLeaf(cid)) return false
    const size = this.#deps.blockstore.sizeOf(cid)
    return size != null && size <= this.#limitsOf(pin).maxBytes
  }

  #limitsOf ({ metadata }: Pin): PinLimits {
    return stricter(this.#init.pinLimits ?? noLimits, pinLimits(metadata))
  }

  async #fetchAll (pin: Pin, guard: Guard, options: PinContentOptions): Promise<void> {
    const { cid } = pin
    const key = cid.toString()
    const run = new PinRun(
      { cid, pinTimeoutMs: this.#init.pinTimeoutMs, limits: this.#limitsOf(pin) },
      { clock: this.#deps.clock, flight: wanted => this.#deps.fetcher.flight(wanted) }
    )
    run.follow(options.signal)
    this.#runs.set(key, run)
    this.#failed.delete(key)
    let outcome: 'done' | 'failed' = 'failed'
    try {
      void this.#dialOrigins(pin, run.signal)
      await this.#deps.walk(cid, {
        depth: pin.maxDepth,
        concurrency: this.#init.fetchConcurrency,
        guard,
        get: async wanted => this.#get(wanted, run, options.onFetched),
        getAgain: async wanted => this.#deps.blockstore.get(wanted),
        signal: run.signal
      })
      run.storing()
      outcome = 'done'
    } catch (err) {
      // the walk may name its own end where the run knows the reason
      run.signal.throwIfAborted()
      throw err
    } finally {
      run.end(outcome)
      if (this.#runs.get(key) === run) this.#runs.delete(key)
      if (outcome === 'failed') this.#remember(key, run.progress())
    }
  }

  async #get (cid: CID, run: PinRun, onFetched: PinContentOptions['onFetched']): Promise<Uint8Array | undefined> {
    const { blockstore, fetcher, isLeaf, refuse } = this.#deps
    refuse(cid)
    if (isLeaf(cid)) {
      const size = blockstore.sizeOf(cid)
      if (size != null) return void run.saw(size)
    }
    const here = await blockstore.get(cid)
    const bytes = here ?? await run.fetching(cid, async signal => fetcher.fetch(cid, { signal }))
    run.saw(bytes.length)
    const pause = here == null ? onFetched?.(bytes.length, run.signal) : undefined
    if (pause != null) await pause
    return bytes
  }

  async #dialOrigins (pin: Pin, signal: AbortSignal): Promise<void> {
    const origins = pin.origins.slice(0, originsDialled)
    if (origins.length === 0) return
    try {
      await this.#deps.networkReady(signal)
    } catch {
      return
    }
    await Promise.all(origins.map(async origin => this.#deps.network.dial(origin, { signal }).catch(err => {
      if (!signal.aborted) this.#deps.log.info('an origin of a pin can not be reached', { cid: pin.cid.toString(), origin, err })
    })))
  }

  #remember (key: string, progress: PinProgress): void {
    this.#failed.delete(key)
    this.#failed.set(key, progress)
    keepNewest(this.#failed, failuresKept)
  }
}

/** False when the root is there already, as deep or deeper. Throws PIN_REFUSED when a recursive root should become direct. */
export function needsPin (root: Pick<Root, 'depth'> | undefined, cid: CID, depth: number): boolean {
  if (root == null) return true
  if (depth === 0 && root.depth !== 0) {
    throw new ClusterError('PIN_REFUSED', { cid: cid.toString() }, { message: `${cid.toString()} is already pinned recursively` })
  }
  return root.depth !== -1 && (depth === -1 || depth > root.depth)
}
