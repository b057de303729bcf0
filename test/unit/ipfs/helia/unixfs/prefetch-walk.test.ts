import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeEach, describe, it } from 'node:test'
import type { CID } from 'multiformats/cid'
import type { Block } from '../../../../../src/blockstore/blockstore.ts'
import type { ByteRange, UnixFsNode } from '../../../../../src/ipfs/dag-reader.ts'
import { PrefetchWalk } from '../../../../../src/ipfs/helia/unixfs/prefetch-walk.ts'
import { fileBlock, rawBlock } from '../../../../support/unixfs-blocks.ts'
import { testReader } from '../../../../support/dag-reader.ts'

const leafBytes = 256 * 1024
const leaves = await Promise.all(Array.from({ length: 120 }, async (_, n) => rawBlock(Buffer.alloc(leafBytes, n))))
const root = await fileBlock(leaves)
const positions = new Map(leaves.map(({ cid }, at) => [cid.toString(), at]))

/** A node to which blocks come when `deliver` is called, in the order in which they were asked for. */
class Elsewhere {
  readonly #here = new Map<string, Uint8Array>()
  readonly #coming = new Map<string, { block: Block, arrived: PromiseWithResolvers<void> }>()
  readonly #all: ReadonlyMap<string, Block>
  /** Places of the leaves that were fetched, in order. */
  readonly fetched: number[] = []

  constructor (blocks: readonly Block[]) { this.#all = new Map(blocks.map(block => [block.cid.toString(), block])) }

  have (...blocks: readonly Block[]): void { for (const { cid, bytes } of blocks) this.#here.set(cid.toString(), bytes) }

  readonly get = async (cid: CID): Promise<Uint8Array> => {
    await this.prefetch(cid)
    return this.#here.get(cid.toString()) as Uint8Array
  }

  readonly prefetch = (cid: CID): Promise<void> | undefined => {
    const key = cid.toString()
    if (this.#here.has(key)) return undefined
    const coming = this.#coming.get(key) ?? { block: this.#all.get(key) as Block, arrived: Promise.withResolvers<void>() }
    if (!this.#coming.has(key)) this.fetched.push(positions.get(key) ?? -1)
    this.#coming.set(key, coming)
    return coming.arrived.promise
  }

  get underWay (): number { return this.#coming.size }

  async deliver (count = 1): Promise<void> {
    for (const [key, { block, arrived }] of [...this.#coming].slice(0, count)) {
      this.#coming.delete(key)
      this.have(block)
      arrived.resolve()
    }
    await settle()
  }
}

async function settle (): Promise<void> { for (let turn = 0; turn < 3; turn++) await nextTurn() }

let elsewhere: Elsewhere
let node: UnixFsNode

const read = (range?: ByteRange): AsyncIterator<Uint8Array> =>
  testReader.readFile(node, elsewhere.get, { prefetch: elsewhere.prefetch, ...(range == null ? {} : { range }) })[Symbol.asyncIterator]()

describe('reading a file that is elsewhere', () => {
  beforeEach(async () => {
    elsewhere = new Elsewhere([root, ...leaves])
    node = await testReader.readNode(root.cid, async () => root.bytes)
  })

  it('fetches leaves in order, and no more than a window for a consumer that takes nothing', async () => {
    const pieces = read()

    const first = pieces.next()
    await settle()
    await elsewhere.deliver(200)
    await first
    await elsewhere.deliver(200)
    await elsewhere.deliver(200)

    assert.deepEqual(elsewhere.fetched, elsewhere.fetched.toSorted((a, b) => a - b))
    assert.ok(elsewhere.fetched.length > 8 && elsewhere.fetched.length <= 24, String(elsewhere.fetched.length))
  })

  it('fetches further ahead while the consumer waits, and never more than 16 MiB', async () => {
    const pieces = read()
    let most = 0
    let underWayAtFirst = 0

    for (let at = 0; at < leaves.length; at++) {
      const piece = pieces.next()
      await settle()
      if (at === 0) underWayAtFirst = elsewhere.underWay
      most = Math.max(most, elsewhere.underWay)
      await elsewhere.deliver()
      await piece
    }

    assert.equal(underWayAtFirst, 16)
    assert.equal(most, 64)
    assert.equal((await pieces.next()).done, true)
    assert.equal(new Set(elsewhere.fetched).size, leaves.length)
  })

  it('gives its blocks the same way, nodes before what is below them', async () => {
    const blocks = testReader.fileBlocks(root, elsewhere.get, { prefetch: elsewhere.prefetch })[Symbol.asyncIterator]()
    const given: string[] = [(await blocks.next()).value?.cid.toString()]
    let most = 0

    for (let block = blocks.next(); ; block = blocks.next()) {
      await settle()
      most = Math.max(most, elsewhere.underWay)
      await elsewhere.deliver()
      const { done, value } = await block
      if (done === true) break
      given.push(value.cid.toString())
    }

    assert.equal(most, 64)
    assert.deepEqual(given, [root, ...leaves].map(({ cid }) => cid.toString()))
  })

  it('gives the blocks that a range touches, and of an empty one the first alone', async () => {
    elsewhere.have(leaves[50] as Block)
    elsewhere.have(leaves[51] as Block)
    const blocksOf = async (range: ByteRange): Promise<string[]> => {
      const given: string[] = []
      for await (const { cid } of testReader.fileBlocks(root, elsewhere.get, { range })) given.push(cid.toString())
      return given
    }

    const some = await blocksOf({ from: 51 * leafBytes - 1, before: 51 * leafBytes + 1 })
    const none = await blocksOf({ from: 51 * leafBytes, before: 51 * leafBytes })

    assert.deepEqual(some, [root, leaves[50], leaves[51]].map(block => block?.cid.toString()))
    assert.deepEqual(none, [root.cid.toString()])
  })

  it('fetches less ahead of a consumer that lets leaves wait', () => {
    const walk = new PrefetchWalk(0, { get: elsewhere.get, prefetch: elsewhere.prefetch })

    walk.took(8 * 2 ** 20, true)
    const grown = walk.windowBytes
    for (let at = 0; at < 1000; at++) walk.took(leafBytes, false)

    assert.equal(grown, 12 * 2 ** 20)
    assert.equal(walk.windowBytes, 2 ** 20)
  })

  it('fetches nothing that a range does not touch', async () => {
    const pieces = read({ from: 50 * leafBytes + 10, before: 53 * leafBytes })

    let bytes = 0
    for (let piece = pieces.next(); ; piece = pieces.next()) {
      await settle()
      await elsewhere.deliver(10)
      const { done, value } = await piece
      if (done === true) break
      bytes += value.length
    }

    assert.equal(bytes, 3 * leafBytes - 10)
    assert.deepEqual(elsewhere.fetched, [50, 51, 52])
  })

  it('fetches nothing more for a consumer that has gone', async () => {
    const pieces = read()
    const first = pieces.next()
    await settle()
    await elsewhere.deliver()
    await first

    await pieces.return?.()
    const before = elsewhere.fetched.length
    for (let at = 0; at < 5; at++) await elsewhere.deliver(200)

    assert.equal(elsewhere.fetched.length, before)
  })

  it('looks at each leaf that is here, and fetches only what is missing', async () => {
    elsewhere.have(...leaves.filter((_, at) => at !== 70))
    const pieces = read()

    let count = 0
    for (let piece = pieces.next(); ; piece = pieces.next(), count++) {
      await settle()
      await elsewhere.deliver()
      if ((await piece).done === true) break
    }

    assert.equal(count, leaves.length)
    assert.deepEqual(elsewhere.fetched, [70])
  })

  it('goes over from node to node', async () => {
    const [left, right] = [await fileBlock(leaves.slice(0, 60)), await fileBlock(leaves.slice(60))]
    const top = await topOf(left, right)
    elsewhere = new Elsewhere([left, right, ...leaves])
    node = await testReader.readNode(top.cid, async () => top.bytes)
    const pieces = read()
    let bytes = 0

    for (let piece = pieces.next(); ; piece = pieces.next()) {
      for (let turn = 0; turn < 3; turn++) {
        await settle()
        await elsewhere.deliver()
      }
      const { done, value } = await piece
      if (done === true) break
      bytes += value.length
    }

    assert.equal(bytes, leaves.length * leafBytes)
    assert.equal(elsewhere.fetched.filter(at => at >= 0).length, leaves.length)
  })
})

/** A file of two files. */
async function topOf (...parts: Block[]): Promise<Block> {
  const { UnixFS } = await import('ipfs-unixfs')
  const { encode, prepare } = await import('@ipld/dag-pb')
  const { CID } = await import('multiformats/cid')
  const { sha256 } = await import('multiformats/hashes/sha2')
  const unixfs = new UnixFS({ type: 'file' })
  for (let at = 0; at < parts.length; at++) unixfs.addBlockSize(BigInt(60 * leafBytes))
  const bytes = encode(prepare({
    Data: unixfs.marshal(), Links: parts.map(({ cid, bytes }) => ({ Name: '', Hash: cid, Tsize: bytes.length }))
  }))
  return { bytes, cid: CID.createV1(0x70, await sha256.digest(bytes)) }
}
