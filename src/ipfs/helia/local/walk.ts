import type { CID } from 'multiformats/cid'
import { plainBlockSet } from './plain-block-set.ts'
import { isLeaf, linksOf } from './links.ts'
import type { BlockSet, WalkOptions } from './local.ts'

const identityCode = 0
const defaultConcurrency = 32
/** Steps between two looks whether the set of seen blocks has room. */
const stepsPerRoom = 1024

interface Step { cid: CID, depth: number }

/**
 * Visits the blocks of a DAG, each once, many at a time, first children first. Resolves when all were visited; rejects with the first error of `get`, with
 * INVALID_DATA when a block can't be decoded, or with the signal's reason.
 *
 * Memory: what waits to be visited is at most (concurrency + depth of the DAG) times the links of a block; the seen blocks are in `seen`.
 */
export async function walkDag (root: CID, options: WalkOptions): Promise<void> {
  options.signal?.throwIfAborted()
  await new Walk(options).run(root)
}

class Walk {
  readonly #options: WalkOptions
  readonly #seen: BlockSet
  readonly #concurrency: number
  readonly #done = Promise.withResolvers<void>()
  /** The last one comes first: that goes deep before it goes wide, which keeps this small. */
  readonly #stack: Step[] = []
  #running = 0
  #steps = 0
  #isOver = false

  constructor (options: WalkOptions) {
    this.#options = options
    this.#seen = options.seen ?? options.guard?.scratch?.() ?? plainBlockSet()
    this.#concurrency = options.concurrency ?? defaultConcurrency
  }

  async run (root: CID): Promise<void> {
    const { signal } = this.#options
    const onAbort = (): void => this.#fail(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await this.#plan([root], this.#options.depth)
      this.#pump()
      await this.#done.promise
    } finally {
      this.#isOver = true
      signal?.removeEventListener('abort', onAbort)
      if (this.#options.seen == null) await this.#seen.close()
    }
  }

  #pump (): void {
    while (!this.#isOver && this.#running < this.#concurrency) {
      const step = this.#stack.pop()
      if (step == null) break
      this.#running++
      this.#visit(step).then(() => this.#stepDone(), err => this.#fail(err))
    }
    if (this.#running === 0) this.#done.resolve()
  }

  #stepDone (): void {
    this.#running--
    this.#pump()
  }

  #fail (err: unknown): void {
    this.#isOver = true
    this.#done.reject(err)
  }

  async #visit ({ cid, depth }: Step): Promise<void> {
    const bytes = cid.multihash.code === identityCode ? cid.multihash.digest : await this.#options.get(cid)
    this.#options.onBlock?.(cid, bytes)
    if (++this.#steps % stepsPerRoom === 0) await this.#seen.room()
    if (bytes == null || depth === 0 || isLeaf(cid)) return
    await this.#plan(linksOf({ cid, bytes }), depth < 0 ? -1 : depth - 1)
  }

  /** Notes blocks to be visited with `depth` more levels beneath them. */
  async #plan (cids: readonly CID[], depth: number): Promise<void> {
    const fresh = cids.filter(cid => this.#isNew(cid, depth))
    if (fresh.length === 0) return
    await this.#options.guard?.protect(fresh)
    for (let n = fresh.length - 1; n >= 0; n--) this.#stack.push({ cid: fresh[n]!, depth })
  }

  #isNew (cid: CID, depth: number): boolean {
    const multihash = cid.multihash.bytes
    if (isLeaf(cid) || depth === 0) return this.#seen.add(multihash)
    if (this.#seen.has(multihash, expanded(cid, -1)) || !this.#seen.add(multihash, expanded(cid, depth))) return false
    this.#seen.add(multihash)
    return true
  }
}

/**
 * The kind under which a block is remembered whose links are followed. The same bytes may be a leaf under one codec and a node under another,
 * and may be reached with more levels to go the second time.
 */
const expanded = (cid: CID, depth: number): number => cid.code * 4096 + Math.min(depth, 4000) + 2
