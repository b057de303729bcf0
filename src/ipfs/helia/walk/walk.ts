import type { CID } from 'multiformats/cid'
import { inNextTick } from '../../../base/event-loop.ts'
import { isLeaf } from '../links/links.ts'
import type { BlockSet, WalkOptions } from '../repository/repository.ts'
import { identityHash } from '../../../model/multicodec.ts'
import { lostBlock, PendingLinks } from './pending-links.ts'
import { plainBlockSet } from './block-set.ts'
import { plainStack } from './scratch.ts'

const defaultConcurrency = 32
/** Steps between two looks whether the set of seen blocks has room. */
const stepsPerRoom = 1024
/** Links that are passed over in one go, because they were seen before. */
const linksPerTick = 4096

/**
 * Visits the blocks of a DAG, each once, many at a time, first children first. Resolves when all were visited; rejects with the first error
 * of `get`, with
 * INVALID_DATA when a block can't be decoded (as far as it has been read: a large one piece by piece), or with the signal's reason.
 *
 * Memory is bounded, whatever the DAG: see `PendingLinks` for what waits to be visited; the seen blocks are in `seen`.
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
  readonly #pending: PendingLinks
  #running = 0
  #steps = 0
  #isLoading = false
  #isOver = false

  constructor (options: WalkOptions) {
    const { scratch, seen, guard, concurrency = defaultConcurrency } = options
    this.#options = options
    this.#seen = seen ?? scratch?.blocks() ?? plainBlockSet()
    this.#concurrency = concurrency
    this.#pending = new PendingLinks(scratch == null ? {} : { memoryBytes: () => scratch.pendingBytes() }, {
      stack: scratch?.stack() ?? plainStack(),
      read: async cid => this.#readAgain(cid),
      ...(guard == null ? {} : { onLinks: async cids => guard.protect(cids) })
    })
  }

  async run (root: CID): Promise<void> {
    const { signal, guard, depth } = this.#options
    const onAbort = (): void => this.#fail(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await guard?.protect([root])
      if (this.#isNew(root, depth)) this.#begin(root, depth)
      this.#pump()
      await this.#done.promise
    } finally {
      this.#isOver = true
      signal?.removeEventListener('abort', onAbort)
      await this.#pending.close()
      if (this.#options.seen == null) await this.#seen.close()
    }
  }

  #pump (): void {
    try {
      this.#takeLinks()
    } catch (err) {
      this.#fail(err)
    }
  }

  #takeLinks (): void {
    for (let links = 0; !this.#isOver && !this.#isLoading && this.#running < this.#concurrency; links++) {
      const link = this.#pending.take()
      if (link == null) {
        if (this.#pending.isEmpty()) break
        if (!this.#pending.loadNow()) return this.#load()
      } else if (this.#isNew(link.cid, link.depth)) this.#begin(link.cid, link.depth)
      if (links === linksPerTick) return this.#rest()
    }
    if (!this.#isOver && this.#running === 0 && !this.#isLoading && this.#pending.isEmpty()) this.#done.resolve()
  }

  #load (): void {
    this.#isLoading = true
    this.#pending.load().then(() => this.#loaded(), err => this.#fail(err))
  }

  /** Others have a turn. */
  #rest (): void {
    this.#isLoading = true
    inNextTick(() => this.#loaded())
  }

  #loaded (): void {
    this.#isLoading = false
    this.#pump()
  }

  #begin (cid: CID, depth: number): void {
    this.#running++
    this.#visit(cid, depth).then(() => this.#stepDone(), err => this.#fail(err))
  }

  #stepDone (): void {
    this.#running--
    this.#pump()
  }

  #fail (err: unknown): void {
    this.#isOver = true
    this.#done.reject(err)
  }

  async #visit (cid: CID, depth: number): Promise<void> {
    const bytes = cid.multihash.code === identityHash ? cid.multihash.digest : await this.#options.get(cid)
    // what comes late must not open again what was closed at the end
    if (this.#isOver) return
    this.#options.onBlock?.(cid, bytes)
    if (++this.#steps % stepsPerRoom === 0) await this.#seen.room()
    if (bytes == null || depth === 0 || isLeaf(cid)) return
    this.#pending.push({ cid, bytes }, depth < 0 ? -1 : depth - 1)
    if (this.#pending.isFull()) await this.#pending.room()
  }

  async #readAgain (cid: CID): Promise<Uint8Array> {
    if (cid.multihash.code === identityHash) return cid.multihash.digest
    const { get, getAgain = get } = this.#options
    const bytes = await getAgain(cid)
    if (bytes == null) throw lostBlock(cid)
    return bytes
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
 * The kind under which a block is remembered whose links are followed. The same bytes may be a leaf under one codec and a node under
 * another, and may be reached with more levels to go the second time.
 */
const expanded = (cid: CID, depth: number): number => cid.code * 4096 + Math.min(depth, 4000) + 2
