import type { CID } from 'multiformats/cid'
import { hashKey } from '../../../blockstore/map-key.ts'
import type { Clock } from '../../../base/clock.ts'

export interface LandedBlocksInit {
  /** For all that wait. Bytes. */
  maxBytes: number
  /** Milliseconds. */
  keepMs: number
}

interface Landed { bytes: Uint8Array, until: number }

/**
 * Blocks that were fetched ahead, from when they are here until somebody reads them: who reads soon need not read the disk. In bounded
 * memory, and not for long.
 */
export class LandedBlocks {
  readonly #init: LandedBlocksInit
  readonly #clock: Pick<Clock, 'after' | 'elapsed'>
  readonly #landed = new Map<string, Landed>()
  #bytes = 0
  #isWatched = false

  constructor (init: LandedBlocksInit, { clock }: { clock: Pick<Clock, 'after' | 'elapsed'> }) {
    this.#init = init
    this.#clock = clock
  }

  keep (cid: CID, bytes: Uint8Array): void {
    const key = hashKey(cid)
    this.#remove(key)
    this.#landed.set(key, { bytes, until: this.#clock.elapsed() + this.#init.keepMs })
    this.#bytes += bytes.length
    for (const [oldest] of this.#landed) {
      if (this.#bytes <= this.#init.maxBytes) break
      this.#remove(oldest)
    }
    this.#watch()
  }

  /** The block, which isn't kept any longer. */
  take (cid: CID): Uint8Array | undefined {
    if (this.#landed.size === 0) return undefined
    const key = hashKey(cid)
    const landed = this.#landed.get(key)
    this.#remove(key)
    return landed != null && landed.until > this.#clock.elapsed() ? landed.bytes : undefined
  }

  get bytes (): number { return this.#bytes }

  #remove (key: string): void {
    this.#bytes -= this.#landed.get(key)?.bytes.length ?? 0
    this.#landed.delete(key)
  }

  /** What nobody comes for goes by itself. */
  #watch (): void {
    if (this.#isWatched || this.#landed.size === 0) return
    this.#isWatched = true
    this.#clock.after(this.#init.keepMs, () => {
      this.#isWatched = false
      const now = this.#clock.elapsed()
      for (const [key, { until }] of this.#landed) {
        if (until > now) break
        this.#remove(key)
      }
      this.#watch()
    })
  }
}
