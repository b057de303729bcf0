import type { CID } from 'multiformats/cid'
import { hashKey } from '../../../blockstore/map-key.ts'
import type { Clock } from '../../../base/clock.ts'

export interface PrefetchedBlocksInit {
  /** For all that wait. Bytes. */
  maxBytes: number
  /** Milliseconds. */
  keepMs: number
}

interface Prefetched { bytes: Uint8Array, until: number }

/**
 * Blocks that were fetched ahead, from when they are here until somebody reads them: who reads soon need not read the disk. In bounded
 * memory, and not for long.
 */
export class PrefetchedBlocks {
  readonly #init: PrefetchedBlocksInit
  readonly #clock: Pick<Clock, 'after' | 'elapsed'>
  readonly #blocks = new Map<string, Prefetched>()
  #bytes = 0
  #isWatched = false

  constructor (init: PrefetchedBlocksInit, { clock }: { clock: Pick<Clock, 'after' | 'elapsed'> }) {
    this.#init = init
    this.#clock = clock
  }

  keep (cid: CID, bytes: Uint8Array): void {
    const key = hashKey(cid)
    this.#remove(key)
    this.#blocks.set(key, { bytes, until: this.#clock.elapsed() + this.#init.keepMs })
    this.#bytes += bytes.length
    for (const [oldest] of this.#blocks) {
      if (this.#bytes <= this.#init.maxBytes) break
      this.#remove(oldest)
    }
    this.#watch()
  }

  /** The block, which isn't kept any longer. */
  take (cid: CID): Uint8Array | undefined {
    if (this.#blocks.size === 0) return undefined
    const key = hashKey(cid)
    const found = this.#blocks.get(key)
    this.#remove(key)
    return found != null && found.until > this.#clock.elapsed() ? found.bytes : undefined
  }

  get bytes (): number { return this.#bytes }

  #remove (key: string): void {
    this.#bytes -= this.#blocks.get(key)?.bytes.length ?? 0
    this.#blocks.delete(key)
  }

  /** What nobody comes for goes by itself. */
  #watch (): void {
    if (this.#isWatched || this.#blocks.size === 0) return
    this.#isWatched = true
    this.#clock.after(this.#init.keepMs, () => {
      this.#isWatched = false
      const now = this.#clock.elapsed()
      for (const [key, { until }] of this.#blocks) {
        if (until > now) break
        this.#remove(key)
      }
      this.#watch()
    })
  }
}
