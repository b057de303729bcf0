import assert from 'node:assert/strict'
import { mkdtemp, open, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemClock } from '../../../../src/base/system.ts'
import type { Allocate, Block, BlockPlace, JoinedRead, PlacedReader, SizedBlock } from '../../../../src/blockstore/blockstore.ts'
import { placedReader } from '../../../../src/blockstore/segments/placed-reader.ts'
import { headerLength } from '../../../../src/blockstore/segments/record.ts'
import { segmentBlockstore } from '../../../../src/blockstore/segments/segments.ts'
import type { UpkeptBlockstore } from '../../../../src/blockstore/segments/segments.ts'
import { rawBlock } from '../../../support/unixfs-blocks.ts'

const never = new AbortController().signal

let folder: string
let store: UpkeptBlockstore
let reader: PlacedReader
let blocks: Block[]
let now: number
let hasOthers: boolean

const contentOf = (some: readonly Block[]): Buffer => Buffer.concat(some.map(({ bytes }) => bytes))
const sized = (some: readonly Block[]): SizedBlock[] => some.map(({ cid, bytes }) => ({ cid, sizeBytes: bytes.length }))
const placeOf = ({ cid }: Block): BlockPlace => store.placeOf?.(cid) as BlockPlace
const fileOf = ({ segment }: BlockPlace): string => join(folder, 'segments', `${String(segment).padStart(10, '0')}.segment`)

/** By the store, and by a reader of another thread. */
const ways: ReadonlyArray<[string, (some: readonly Block[], allocate?: Allocate) => JoinedRead | undefined]> = [
  ['the store', (some, allocate) => store.joined?.(sized(some), allocate)],
  [
    'another thread',
    (some, allocate) => reader.joined(some.map(block => ({ place: placeOf(block), multihash: block.cid.multihash.bytes })), allocate)
  ]
]

async function damage (block: Block, at: number): Promise<void> {
  const place = placeOf(block)
  const file = await open(fileOf(place), 'r+')
  await file.write(Buffer.from([77]), 0, 1, place.offset + at)
  await file.close()
}

describe('blocks that are read in one go', () => {
  beforeEach(async () => {
    ;[now, hasOthers] = [0, false]
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-joined-'))
    store = segmentBlockstore(
      { folder, segmentBytes: 150_000, worthBytes: 1 }, { log: silentLogger, clock: { ...systemClock, elapsed: () => now } }
    )
    await store.start(never)
    reader = placedReader({ folder }, { time: () => now, hasOthers: () => hasOthers })
    blocks = await Promise.all(
      [40_000, 1, 50_000, 70_000, 30_000, 60_000].map(async (length, at) => rawBlock(new Uint8Array(length).fill(at + 1)))
    )
    for (const block of blocks) await store.put([block])
  })

  afterEach(async () => {
    await reader.close()
    await store.stop()
    await rm(folder, { recursive: true, force: true })
  })

  for (const [name, joined] of ways) {
    describe(`by ${name}`, () => {
      it('are those that lie one right behind the other, and no more', async () => {
        const whole = joined(blocks)
        const some = joined(blocks.slice(1, 3))
        const behind = joined(blocks.slice(4))
        const asked = blocks.slice(0, whole?.count)

        assert.equal(new Set(asked.map(block => placeOf(block).segment)).size, 1)
        assert.notEqual(placeOf(blocks[whole?.count ?? 0] as Block).segment, placeOf(blocks[0] as Block).segment)
        assert.ok(contentOf(asked).equals(await whole?.read() ?? Buffer.alloc(0)))
        assert.ok(contentOf(blocks.slice(1, 3)).equals(await some?.read() ?? Buffer.alloc(0)))
        assert.ok(contentOf(blocks.slice(4)).equals(await behind?.read() ?? Buffer.alloc(0)))
      })

      it('are none where a gap is between the first two, or only one is asked for', () => {
        const [a, b, c] = blocks as [Block, Block, Block]

        for (const some of [[a, c], [b, a], [a, a], [a], []]) assert.equal(joined(some), undefined)
      })

      it('lie in the memory that was given, and only there', async () => {
        const memory = new Uint8Array(100_000).fill(255)
        const bytes = await joined(blocks.slice(0, 3), length => memory.subarray(10, 10 + length + 5))?.read()

        assert.ok(contentOf(blocks.slice(0, 3)).equals(bytes ?? Buffer.alloc(0)))
        assert.deepEqual([bytes?.buffer, bytes?.byteOffset], [memory.buffer, 10])
        assert.ok([...memory.subarray(0, 10), ...memory.subarray(10 + 90_001)].every(byte => byte === 255))
      })

      it('are read by this thread, too, when it has others to serve', async () => {
        hasOthers = true

        assert.ok(contentOf(blocks.slice(0, 3)).equals(await joined(blocks.slice(0, 3))?.read() ?? Buffer.alloc(0)))
      })

      it('are not given when one of them is damaged', async () => {
        await damage(blocks[2] as Block, 1000)

        assert.equal(await joined(blocks.slice(0, 3))?.read(), undefined)
        assert.ok(contentOf(blocks.slice(0, 2)).equals(await joined(blocks.slice(0, 2))?.read() ?? Buffer.alloc(0)))
      })

      it('have their content looked at again after a while, and their headers each time', async () => {
        const three = joined(blocks.slice(0, 3))
        assert.ok(await three?.read())
        await damage(blocks[2] as Block, 1000)
        now += 5000

        assert.equal(await three?.read(), undefined)

        const two = joined(blocks.slice(0, 2))
        assert.ok(await two?.read())
        await damage(blocks[0] as Block, headerLength + 5)
        assert.equal(await two?.read(), undefined)
      })

      it('are not given when the file ends in the midst of them', async () => {
        const three = joined(blocks.slice(0, 3))
        assert.ok(await three?.read())
        await truncate(fileOf(placeOf(blocks[0] as Block)), placeOf(blocks[2] as Block).offset + 1000)

        assert.equal(await three?.read(), undefined)
      })
    })
  }

  it('are only those that are as long as was said', () => {
    const [a, b, c] = sized(blocks) as [SizedBlock, SizedBlock, SizedBlock]

    assert.equal(store.joined?.([a, { ...b, sizeBytes: 2 }, c]), undefined)
    assert.equal(store.joined?.([a, b, { ...c, sizeBytes: 49_999 }])?.count, 2)
  })

  it('are gone when they were deleted, and when their segment went', async () => {
    const [first, second] = blocks as [Block, Block]
    const before = reader.joined([first, second].map(block => ({ place: placeOf(block), multihash: block.cid.multihash.bytes })))
    const stored = store.joined?.(sized([first, second]))

    await store.delete(blocks.map(({ cid }) => cid))
    while (await store.upkeep.work(never) === 'busy') {}

    assert.equal(store.joined?.(sized([first, second])), undefined)
    assert.equal(await stored?.read(), undefined)
    assert.equal(await before?.read(), undefined)
  })
})
