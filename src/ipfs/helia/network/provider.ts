import type { CID } from 'multiformats/cid'
import { deadline } from '../../../base/clock.ts'
import type { Clock } from '../../../base/clock.ts'
import type { Logger } from '../../../base/log.ts'
import { sideBySide } from '../../../base/side-by-side.ts'
import type { Worker } from '../../../base/worker.ts'
import { cidText } from '../../../model/cid.ts'
import type { RootTable } from '../repository/repository.ts'
import type { IpfsNetwork } from './node.ts'

/** What is announced: recursive and direct roots, every block of what is pinned, every block that is here, or nothing. */
export type ProvideWhat = 'roots' | 'pinned' | 'all' | 'off'

export interface ProviderInit {
  provide: ProvideWhat
  /** Everything is announced again this often. Milliseconds. */
  reprovideIntervalMs: number
}

export interface ProviderDeps {
  roots: Pick<RootTable, 'list' | 'has'>
  /** All blocks here, in batches; for `all`. */
  allBlocks: (signal: AbortSignal) => AsyncIterable<readonly CID[]>
  /** Visits the blocks of a pinned DAG, some at a time; for `pinned`. */
  walkLocal: (root: CID, options: LocalWalkOptions) => Promise<unknown>
  /** What nobody gets from this node: not announced. */
  isSecret?: (cid: CID) => boolean
  network: Pick<IpfsNetwork, 'provide'>
  networkReady: (signal: AbortSignal) => Promise<void>
  clock: Clock
  log: Logger
}

export interface LocalWalkOptions {
  depth: number
  /** Visits at a time. */
  concurrency: number
  visit: (cid: CID) => Promise<void>
  signal: AbortSignal
}

const announcesAtOnce = 8
/** New roots that wait to be announced. What is above that comes with the next round. */
const queueLimit = 10_000
const announceTimeoutMs = 60_000

/**
 * Tells the routing system what is here: new roots soon, everything once per interval. Rounds go through the root table in batches; memory
 * does not grow with it.
 */
export class Provider {
  readonly #init: ProviderInit
  readonly #deps: ProviderDeps
  readonly #fresh = new Map<string, CID>()
  #nextRoundAt = 0
  #wake: () => void = () => {}

  constructor (init: ProviderInit, deps: ProviderDeps) {
    this.#init = init
    this.#deps = deps
  }

  get isOn (): boolean { return this.#init.provide !== 'off' }

  /** A new root. Blocks below it come with the next round. */
  add (root: CID): void {
    if (!this.isOn || this.#fresh.size >= queueLimit) return
    this.#fresh.set(cidText(root), root)
    this.#wake()
  }

  /** Called with what ends the worker's wait. */
  onWake (wake: () => void): void { this.#wake = wake }

  worker (): Worker {
    return {
      name: 'ipfs provide',
      intervalMs: () => Math.min(this.#init.reprovideIntervalMs, 10 * 60_000),
      jitter: 0.1,
      work: async signal => {
        await this.#deps.networkReady(signal)
        await this.#announceFresh(signal)
        if (this.#deps.clock.elapsed() >= this.#nextRoundAt) await this.#round(signal)
        return this.#fresh.size > 0 ? 'busy' : 'idle'
      }
    }
  }

  async #announceFresh (signal: AbortSignal): Promise<void> {
    const batch = [...this.#fresh.values()]
    this.#fresh.clear()
    await this.#announce(batch.filter(cid => this.#deps.roots.has(cid)), signal)
  }

  async #round (signal: AbortSignal): Promise<void> {
    this.#nextRoundAt = this.#deps.clock.elapsed() + this.#init.reprovideIntervalMs
    if (this.#init.provide === 'all') {
      for await (const cids of this.#deps.allBlocks(signal)) await this.#announce(cids, signal)
      return
    }
    for await (const roots of this.#deps.roots.list({ signal })) {
      await this.#announce(roots.map(root => root.cid), signal)
      if (this.#init.provide === 'pinned') for (const root of roots) await this.#announceBelow(root.cid, root.depth, signal)
    }
  }

  async #announceBelow (root: CID, depth: number, signal: AbortSignal): Promise<void> {
    if (depth === 0) return
    await this.#deps.walkLocal(root, { depth, signal, concurrency: announcesAtOnce, visit: async cid => this.#announceOne(cid, signal) })
  }

  async #announce (cids: readonly CID[], signal: AbortSignal): Promise<void> {
    await sideBySide(cids, announcesAtOnce, async cid => this.#announceOne(cid, signal))
  }

  async #announceOne (cid: CID, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#deps.isSecret?.(cid) === true) return
    const limit = deadline(this.#deps.clock, announceTimeoutMs, () => new Error('the announcement took too long'), signal)
    try {
      await this.#deps.network.provide(cid, { signal: limit.signal })
    } catch (err) {
      signal.throwIfAborted()
      this.#deps.log.debug('a block could not be announced', { cid: cid.toString(), err })
    } finally {
      limit.clear()
    }
  }
}
