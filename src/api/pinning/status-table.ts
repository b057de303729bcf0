import { orAborted, orLate } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { CID } from '../../model/cid.ts'
import { parseCid } from '../../model/cid.ts'
import type { GlobalPinInfo } from '../../model/pin-info.ts'
import type { PinningStatus } from '../../model/pinning-service.ts'
import type { IndexedStatus, PinIndex } from '../../pinindex/pinindex.ts'
import { pinningStatusOf } from './pinning-status.ts'

export interface StatusTableDeps {
  cluster: Pick<ClusterApi, 'status' | 'statusAll'>, index: PinIndex, workers: Workers, clock: Clock, log: Logger
}

/** A sweep begins this long after the last one, so that no status is older than 30 s unless a sweep itself takes long… */
const sweepIntervalMs = 20_000
const lateMs = 10_000
/**
 * …or there are so many pins that sweeps would take more than a twentieth of the time; a peer that is slow to answer doesn't make sweeps
 * rare.
 */
const shareOfTime = 20
const mostMsPerPin = 0.2
/** Nobody has asked for a list for so long: sweeps pause. */
const demandMs = 600_000
/** How long a list waits for a sweep when its statuses are old, and when some were never known. */
const waitMs = 1000
const firstWaitMs = 20_000
/**
 * Pins that are under way are asked for before each list, the newest, as many as cost next to nothing; a slow answer makes the next lists
 * do without.
 */
const mostAsked = 32
const askWaitMs = 250
const askShareOfTime = 4
const mostRecent = 256

/** Statuses that will change. */
const underWay: readonly IndexedStatus[] = ['queued', 'pinning', 'unknown']

/**
 * The statuses in the index. A sweep over all peers brings them up to date every 20 s while lists are asked for; before each list the
 * newest pins that are under way or have just changed are asked for, within a quarter of a second.
 */
export class StatusTable implements Startable {
  readonly name = 'pinning status'
  readonly #deps: StatusTableDeps
  readonly #recent = new Set<string>()
  #worker: WorkerHandle | undefined
  #askedForAt = -Infinity
  #sweptAt = -Infinity
  #sweepTookMs = 0
  #sweep = Promise.withResolvers<void>()
  #asking: { done: Promise<void>, until: number } | undefined
  #askAgainAt = -Infinity

  constructor (deps: StatusTableDeps) { this.#deps = deps }

  async start (): Promise<void> {
    this.#worker = this.#deps.workers.add({
      name: 'pinning status',
      intervalMs: () => Math.max(sweepIntervalMs, this.#restMs()),
      runAtStart: false,
      work: async signal => {
        if (this.#deps.clock.elapsed() - this.#askedForAt <= demandMs) await this.#sweepAll(signal)
        return 'idle'
      }
    })
  }

  async stop (): Promise<void> {
    await this.#worker?.stop()
    this.#sweep.resolve()
  }

  /** These pins are new here or have changed: their statuses will differ soon. */
  changed (cids: readonly string[]): void {
    for (const cid of cids.slice(-mostRecent)) {
      this.#recent.delete(cid)
      this.#recent.add(cid)
    }
    for (const cid of this.#recent) {
      if (this.#recent.size <= mostRecent) break
      this.#recent.delete(cid)
    }
  }

  /** Asks the peers about one pin now; undefined when the Pinning Service API has no word for its status. */
  async ask (cid: CID, signal?: AbortSignal): Promise<PinningStatus | undefined> {
    const status = pinningStatusOf(await this.#deps.cluster.status(cid, signal == null ? {} : { signal }))
    this.#deps.index.setStatus([{ cid: cid.toString(), status: status ?? 'absent' }])
    return status
  }

  /** Resolves when a list may be read: no status is older than 30 s, or the peers have had their time to tell. */
  async fresh (signal: AbortSignal): Promise<void> {
    const { clock, index } = this.#deps
    const now = clock.elapsed()
    this.#askedForAt = now
    const age = now - this.#sweptAt
    if (age > Math.max(sweepIntervalMs, this.#restMs()) + this.#sweepTookMs + lateMs) {
      await this.#sweepNow(index.newest(['unknown'], 1).length > 0 ? firstWaitMs : waitMs, signal)
    } else if (age > Math.max(askWaitMs, this.#restMs()) && this.#manyAreUnderWay()) {
      await this.#sweepNow(askWaitMs, signal)
    }
    await this.#newestAsked(signal)
  }

  /** What takes longer than a list may wait goes on, and the next lists don't wait for it. */
  async #newestAsked (signal: AbortSignal): Promise<void> {
    const now = this.#deps.clock.elapsed()
    if (this.#asking == null) {
      if (now < this.#askAgainAt) return
      const done = this.#askAboutNewest().finally(() => { this.#asking = undefined })
      this.#asking = { done, until: now + askWaitMs }
    }
    const { done, until } = this.#asking
    if (until > now) await this.#within(until - now, done, signal)
  }

  /** How long there is no sweep after the last one. */
  #restMs (): number { return Math.min(shareOfTime * this.#sweepTookMs, mostMsPerPin * this.#deps.index.size()) }

  #manyAreUnderWay (): boolean { return this.#deps.index.newest(underWay, mostAsked + 1).length > mostAsked }

  async #sweepNow (ms: number, signal: AbortSignal): Promise<void> {
    this.#worker?.wake()
    await this.#within(ms, this.#sweep.promise, signal)
  }

  async #sweepAll (signal: AbortSignal): Promise<void> {
    const { cluster, clock, index } = this.#deps
    const begunAt = clock.elapsed()
    for await (const infos of cluster.statusAll(0, { signal })) {
      index.setStatus(infos.map(info => ({ cid: info.cid.toString(), status: statusOf(info) })))
    }
    this.#sweptAt = begunAt
    this.#sweepTookMs = clock.elapsed() - begunAt
    this.#sweep.resolve()
    this.#sweep = Promise.withResolvers()
  }

  /** Those that are under way, and those that have changed lately. */
  async #askAboutNewest (): Promise<void> {
    const { clock, index, log } = this.#deps
    const begunAt = clock.elapsed()
    const waiting = index.newest(underWay, mostAsked).map(({ cid }) => cid)
    const recent = [...this.#recent].slice(-mostAsked)
    for (const cid of recent) this.#recent.delete(cid)
    await Promise.all([...new Set([...waiting, ...recent])].map(async cid => {
      try {
        await this.ask(parseCid(cid))
      } catch (err) {
        log.debug('the status of a pin is not known', { cid, err })
      }
    }))
    this.#askAgainAt = begunAt + askShareOfTime * (clock.elapsed() - begunAt)
  }

  /** Waits for it, but not longer than `ms`. */
  async #within (ms: number, work: Promise<unknown>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await orAborted(orLate(work, { clock: this.#deps.clock, ms }), signal)
  }
}

const statusOf = (info: GlobalPinInfo): IndexedStatus => pinningStatusOf(info) ?? 'absent'
