import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { CollectionOptions, IpfsConnector, RepoStat } from '../../ipfs/ipfs.ts'

export interface AutomaticCollectionDeps {
  ipfs: Pick<IpfsConnector, 'repoGc' | 'repoStat'>
  /** What the pinset wants on this peer, in batches: none of it may go. */
  wanted: NonNullable<CollectionOptions['wanted']>
  clock: Pick<Clock, 'elapsed'>
  log: Pick<Logger, 'info' | 'warn'>
}

const minute = 60_000
const usualWaitMs = 2000
/** What came without a pin is kept for an hour: later than that there may be something again. */
const lastWaitMs = 60 * minute

/**
 * Whether so much of the room is taken that what no pin needs has to go. `watermark`: share of the room, 0 to 1. The room is what the
 * settings allow, or what the repository and the free part of its disk have together when that is less.
 */
export const isAboveWatermark = ({ repoSize, freeBytes }: Omit<RepoStat, 'storageMax'>, watermark: number): boolean =>
  repoSize > 0 && repoSize >= watermark * (repoSize + freeBytes)

/**
 * Collects garbage when the repository is nearly full: looks every two seconds. While a collection doesn't help, because all is pinned,
 * the waits double up to an hour.
 */
export class AutomaticCollection {
  readonly #watermark: number
  readonly #deps: AutomaticCollectionDeps
  #waitMs = usualWaitMs

  constructor (watermark: number, deps: AutomaticCollectionDeps) {
    this.#watermark = watermark
    this.#deps = deps
  }

  worker (): Worker {
    return { name: 'automatic collection', intervalMs: () => this.#waitMs, runAtStart: false, work: async signal => this.#look(signal) }
  }

  async #look (signal: AbortSignal): Promise<'idle'> {
    const { ipfs, clock, log } = this.#deps
    const before = await ipfs.repoStat({ signal })
    if (!isAboveWatermark(before, this.#watermark)) {
      this.#waitMs = usualWaitMs
      return 'idle'
    }
    const beganAt = clock.elapsed()
    const { removed, errors } = await this.#collect(signal)
    const after = await ipfs.repoStat({ signal })
    const seconds = Math.round((clock.elapsed() - beganAt) / 1000)
    const facts = { removed, errors, repoSize: after.repoSize, wasSize: before.repoSize, seconds }
    if (!isAboveWatermark(after, this.#watermark)) {
      this.#waitMs = usualWaitMs
      log.info('collected garbage: the repository was nearly full', facts)
      return 'idle'
    }
    this.#waitMs = Math.min(2 * this.#waitMs, lastWaitMs)
    log.warn('the repository is nearly full of what is pinned or came within the last hour: raise storage_max or unpin something', facts)
    return 'idle'
  }

  async #collect (signal: AbortSignal): Promise<{ removed: number, errors: number }> {
    const count = { removed: 0, errors: 0 }
    const { ipfs, wanted } = this.#deps
    for await (const { error } of ipfs.repoGc({ signal, wanted })) count[error === '' ? 'removed' : 'errors']++
    return count
  }
}
