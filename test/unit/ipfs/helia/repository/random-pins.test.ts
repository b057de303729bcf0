import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { CID } from 'multiformats/cid'
import { silentLogger } from '../../../../../src/base/log.ts'
import { systemClock } from '../../../../../src/base/system.ts'
import type { Block } from '../../../../../src/blockstore/blockstore.ts'
import { segmentBlockstore } from '../../../../../src/blockstore/segments/segments.ts'
import { linksOf } from '../../../../../src/ipfs/helia/links/links.ts'
import type { Guard } from '../../../../../src/ipfs/helia/repository/repository.ts'
import { hex } from '../../../../support/blocks.ts'
import { cborOf, nodeOf, textBlock } from '../../../../support/dags.ts'
import { localNode } from '../../../../support/local-node.ts'
import type { LocalNode } from '../../../../support/local-node.ts'
import { SeededRandom } from '../../../../support/sim-clock.ts'

const keyOf = (cid: CID): string => hex(cid.multihash.bytes)

/** What must be there, worked out the slow and simple way. */
class Model {
  readonly pool: Map<string, Block>
  readonly roots = new Map<string, { cid: CID, depth: number }>()
  readonly uploads = new Map<Guard, Block[]>()

  constructor (pool: Map<string, Block>) { this.pool = pool }

  /** Keys of all blocks that a DAG needs. */
  reach (cid: CID, depth: number, into = new Set<string>()): Set<string> {
    into.add(keyOf(cid))
    if (depth === 0) return into
    for (const link of linksOf({ cid, bytes: this.pool.get(keyOf(cid))!.bytes })) this.reach(link, depth - 1, into)
    return into
  }

  needed (): Set<string> {
    const needed = new Set<string>()
    for (const { cid, depth } of this.roots.values()) this.reach(cid, depth, needed)
    for (const blocks of this.uploads.values()) for (const { cid } of blocks) needed.add(keyOf(cid))
    return needed
  }
}

/** A pool of blocks in which later ones link to earlier ones. */
function randomPool (random: SeededRandom): Block[] {
  const pool: Block[] = Array.from({ length: 30 }, (_, n) => textBlock(`leaf ${n}`))
  for (let n = 0; n < 60; n++) {
    const links = Array.from({ length: 1 + Math.floor(random.float() * 4) }, () => pick(pool, random).cid)
    pool.push(random.float() < 0.7 ? nodeOf(links, `node ${n}`) : cborOf(links, `node ${n}`))
  }
  return pool
}

const pick = <T>(list: readonly T[], random: SeededRandom): T => list[Math.floor(random.float() * list.length)]!

class Run {
  readonly #node: LocalNode
  readonly #random: SeededRandom
  readonly #pool: Block[]
  readonly #model: Model
  #collecting: AsyncIterator<unknown> | undefined

  constructor (node: LocalNode, random: SeededRandom) {
    this.#node = node
    this.#random = random
    this.#pool = randomPool(random)
    this.#model = new Model(new Map(this.#pool.map(block => [keyOf(block.cid), block])))
  }

  async step (): Promise<void> {
    const steps = [
      () => this.#add(), () => this.#add(), () => this.#unpin(), () => this.#unpin(), () => this.#beginUpload(), () => this.#abortUpload(),
      () => this.#finishUpload(), () => this.#collect()
    ]
    await pick(steps, this.#random)()
    await this.#advanceCollection(Math.floor(this.#random.float() * 30))
    this.check()
  }

  /** All that is needed is there. */
  check (): void {
    for (const key of this.#model.needed()) assert.ok(this.#node.blocks.has(this.#model.pool.get(key)!.cid), `block ${key} is lost`)
    assert.equal(this.#node.roots.count(), this.#model.roots.size)
  }

  /** Nothing else is there after a whole collection. */
  async checkExactly (): Promise<void> {
    await this.#advanceCollection(Infinity)
    await this.#node.gc()
    const left = new Set<string>()
    for await (const batch of this.#node.blocks.multihashes()) for (const multihash of batch) left.add(hex(multihash))
    assert.deepEqual([...left].toSorted(), [...this.#model.needed()].toSorted())
  }

  /** Puts a DAG (what of it is missing) and pins it, as an add or a pin from the network does. */
  async #add (): Promise<void> {
    const { cid } = pick(this.#pool, this.#random)
    const depth = this.#random.float() < 0.7 ? -1 : Math.floor(this.#random.float() * 3)
    const guard = this.#node.protection.guard()
    for (const key of this.#model.reach(cid, depth)) await this.#node.put([this.#model.pool.get(key)!], guard)
    await this.#node.pin(cid, depth)
    this.#model.roots.set(cid.toString(), { cid, depth })
    guard.release()
  }

  async #unpin (): Promise<void> {
    const root = pick([...this.#model.roots.values()], this.#random)
    if (root == null) return
    assert.equal(await this.#node.roots.remove(root.cid), true)
    this.#model.roots.delete(root.cid.toString())
  }

  async #beginUpload (): Promise<void> {
    const guard = this.#node.protection.guard()
    const blocks = Array.from({ length: 5 }, () => pick(this.#pool, this.#random))
    await this.#node.put(blocks, guard)
    this.#model.uploads.set(guard, blocks)
  }

  async #abortUpload (): Promise<void> {
    for (const guard of this.#model.uploads.keys()) {
      guard.release()
      this.#model.uploads.delete(guard)
      return
    }
  }

  async #finishUpload (): Promise<void> {
    for (const [guard, blocks] of this.#model.uploads) {
      const { cid } = blocks[0]!
      await this.#node.roots.add({ cid, depth: 0 })
      this.#model.roots.set(cid.toString(), { cid, depth: 0 })
      guard.release()
      this.#model.uploads.delete(guard)
      return
    }
  }

  async #collect (): Promise<void> { this.#collecting ??= this.#node.collector.collect()[Symbol.asyncIterator]() }

  async #advanceCollection (removals: number): Promise<void> {
    for (let n = 0; n < removals && this.#collecting != null; n++) {
      if ((await this.#collecting.next()).done === true) this.#collecting = undefined
    }
  }
}

describe('pins, adds and collections in random order', () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`never lose a needed block and keep no other (seed ${seed})`, async () => {
      const random = new SeededRandom(seed)
      const node = await localNode({ markMemoryBytes: seed % 2 === 0 ? 16 * 64 : 1 << 20 })
      const run = new Run(node, random)

      for (let step = 0; step < 150; step++) await run.step()

      run.check()
      await run.checkExactly()
      await node.close()
    })
  }

  it('do so on segments that are tidied up meanwhile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-random-'))
    const blocks = segmentBlockstore({ folder, segmentBytes: 500, worthBytes: 1, openFiles: 4 }, { log: silentLogger, clock: systemClock })
    const node = await localNode({ blocks })
    const run = new Run(node, new SeededRandom(99))

    for (let step = 0; step < 150; step++) {
      await run.step()
      if (step % 10 === 0) await blocks.upkeep.work(new AbortController().signal)
    }

    await run.checkExactly()
    await node.close()
    await rm(folder, { recursive: true, force: true })
  })
})
