import { rawCodec } from '../../../model/multicodec.ts'
import type { ByteRange, GetBlock, Prefetch, UnixFsNode } from '../../dag-reader.ts'
import { readNode } from './directory.ts'
import { partsOf } from './file-parts.ts'

export interface PrefetchWalkDeps { get: GetBlock, prefetch: Prefetch }

/**
 * How many bytes before the consumer are fetched: at first, at least and at most. One round trip of 100 ms and 16 MiB are 160 MiB a second.
 */
const window = { first: 4 * 2 ** 20, least: 2 ** 20, most: 16 * 2 ** 20 }
/** What fits in a block is one, or is small enough to be left to who reads it. */
const largestBlock = 2 ** 21
const maxLevels = 64

/**
 * Goes through a file's parts in order before its consumer does and has those fetched that aren't here, as far ahead as a window of bytes
 * allows. The window grows when the consumer had to wait for a leaf, and shrinks while leaves wait for the consumer; a consumer that takes
 * nothing gets nothing more fetched.
 */
export class PrefetchWalk {
  readonly #deps: PrefetchWalkDeps
  #windowBytes = window.first
  /** How far this has come, and how far the consumer has. */
  #ahead: number
  #read: number
  #isOver = false
  #resume: () => void = () => {}

  /** `range`: what the consumer is going to read. Nothing happens before `run`. */
  constructor (from: number, deps: PrefetchWalkDeps) {
    this.#deps = deps
    this.#ahead = this.#read = from
  }

  get windowBytes (): number { return this.#windowBytes }

  /**
   * Resolves when the end of the range is reached, when something can't be fetched, and after `stop`. Never rejects: who reads will meet
   * the reason.
   */
  async run (node: UnixFsNode, range: ByteRange): Promise<void> {
    try {
      await this.#visit(node, range, 0)
    } catch {} // see above
  }

  /** The consumer has taken so many bytes more. `waited`: it had to wait for them. */
  took (bytes: number, waited: boolean): void {
    this.#read += bytes
    const wanted = this.#windowBytes + (waited ? bytes : -bytes / 8)
    this.#windowBytes = Math.min(window.most, Math.max(window.least, wanted))
    this.#resume()
  }

  stop (): void {
    this.#isOver = true
    this.#resume()
  }

  async #visit (node: UnixFsNode, range: ByteRange, level: number): Promise<void> {
    if (level > maxLevels) return
    for (const { cid, sizeBytes, inner } of partsOf(node, range)) {
      if (this.#isOver) return
      if (cid.code === rawCodec || sizeBytes <= largestBlock)
        await this.#fetch(cid, Math.min(sizeBytes, inner.before) - Math.max(0, inner.from))
      else await this.#visit(await readNode(cid, this.#deps.get), inner, level + 1)
    }
  }

  async #fetch (cid: UnixFsNode['cid'], bytes: number): Promise<void> {
    while (!this.#isOver && this.#ahead - this.#read >= this.#windowBytes) await new Promise<void>(resolve => { this.#resume = resolve })
    if (this.#isOver) return
    this.#ahead += bytes
    // without room on the disk there is no use in more
    this.#deps.prefetch(cid)?.catch(() => this.stop())
  }
}
