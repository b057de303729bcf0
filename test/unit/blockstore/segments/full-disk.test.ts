import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { DiskReserve } from '../../../../src/base/disk-reserve.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemClock } from '../../../../src/base/system.ts'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { segmentBlockstore } from '../../../../src/blockstore/segments/segments.ts'
import type { SegmentBlockstoreInit, UpkeptBlockstore } from '../../../../src/blockstore/segments/segments.ts'
import { pickCheapest } from '../../../../src/blockstore/segments/shrinking.ts'
import { numberedBlocks } from '../../../support/blocks.ts'
import { FaultyFiles } from '../../../support/faulty-files.ts'
import { quietMs } from '../../../support/poll.ts'

const never = new AbortController().signal
const reserveBytes = 100_000

/** A reserve on a disk of FaultyFiles. */
class FakeReserve implements DiskReserve {
  readonly #files: FaultyFiles
  lack = 0
  constructor (files: FaultyFiles) { this.#files = files }
  sizeBytes (): number { return reserveBytes }
  lackBytes (): number { return this.lack }
  async freeBytes (): Promise<number> { return this.#files.roomBytes }
  async checkRoom (): Promise<void> {}

  async giveUp (): Promise<void> {
    this.#files.roomBytes += reserveBytes - this.lack
    this.lack = reserveBytes
  }
}

describe('segment store on a full disk', { timeout: quietMs(30_000) }, () => {
  let folder: string
  let files: FaultyFiles
  let reserve: FakeReserve
  let store: UpkeptBlockstore

  const openWith = async (init: Partial<SegmentBlockstoreInit> = {}): Promise<void> => {
    store = segmentBlockstore({ folder, segmentBytes: 1_000_000, ...init }, { log: silentLogger, clock: systemClock, files, reserve })
    await store.start(never)
  }
  const sizes = async (): Promise<number[]> => {
    const names = (await readdir(join(folder, 'segments'))).toSorted()
    return Promise.all(names.map(async name => (await stat(join(folder, 'segments', name))).size))
  }
  const tidyUp = async (): Promise<number> => {
    let runs = 0
    while (await store.upkeep.work(never) === 'busy') runs++
    return runs
  }
  const put = async (blocks: readonly Block[]): Promise<void> => { for (const block of blocks) await store.put([block]) }
  const allReadable = async (blocks: readonly Block[]): Promise<void> => {
    for (const { cid, bytes } of blocks) assert.deepEqual(Buffer.from(await store.get(cid) ?? []), bytes)
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-full-'))
    files = new FaultyFiles()
    reserve = new FakeReserve(files)
  })

  afterEach(async () => {
    files.roomBytes = Infinity
    await store.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('leaves the reserve alone as long as nothing can be won', async () => {
    await openWith()
    await put(numberedBlocks(10, 10_000))
    files.roomBytes = 0

    await tidyUp()

    assert.equal(reserve.lack, 0)
  })

  it('gives a segment back that is dead, or whose live blocks fit in what the reserve gives', async () => {
    await openWith({ segmentBytes: 200_000 })
    const blocks = numberedBlocks(60, 10_000)
    await put(blocks)
    await store.delete(blocks.filter((_, n) => n < 22 || n % 8 !== 0).map(({ cid }) => cid))
    files.roomBytes = 0

    await tidyUp()

    assert.ok(files.roomBytes >= 400_000, String(files.roomBytes))
    await allReadable(blocks.filter((_, n) => n >= 22 && n % 8 === 0))
  })

  it('gives a segment back from its end, a piece at a time, when what lives in it doesn\'t fit a second time', async () => {
    await openWith()
    const blocks = numberedBlocks(100, 10_000)
    await put(blocks)
    const living = blocks.filter((_, n) => n % 3 !== 0)
    await store.delete(blocks.filter((_, n) => n % 3 === 0).map(({ cid }) => cid))
    files.roomBytes = 0

    const runs = await tidyUp()

    assert.ok(runs > 2, String(runs))
    assert.ok(files.roomBytes >= reserveBytes + 300_000, String(files.roomBytes))
    assert.ok((await sizes()).reduce((sum, size) => sum + size, 0) < 720_000)
    await allReadable(living)
    await store.stop()
    await openWith()
    await allReadable(living)
  })

  it('finds blocks that move while they are read', async () => {
    await openWith({ recentBytes: 0 })
    const blocks = numberedBlocks(100, 10_000)
    await put(blocks)
    await store.delete(blocks.filter((_, n) => n % 3 === 0).map(({ cid }) => cid))
    files.roomBytes = 0
    const living = blocks.filter((_, n) => n % 3 !== 0)

    const tidying = tidyUp()
    for (let round = 0; round < 5; round++) await allReadable(living.toReversed())
    await tidying

    await allReadable(living)
  })

  it('is whole when it is killed between any two steps of that', async () => {
    await openWith()
    const blocks = numberedBlocks(40, 10_000)
    await put(blocks)
    const living = blocks.filter((_, n) => n % 3 !== 0)
    await store.delete(blocks.filter((_, n) => n % 3 === 0).map(({ cid }) => cid))
    files.roomBytes = 0
    const copies: string[] = []
    // the index rests meanwhile: what a killed process leaves can be copied
    files.onCall = async () => {
      const copy = `${folder}-${copies.length}`
      copies.push(copy)
      await cp(folder, copy, { recursive: true })
    }
    await tidyUp()
    files.onCall = async () => {}
    await store.stop()
    files.roomBytes = Infinity

    const original = folder
    for (const copy of copies) {
      folder = copy
      await openWith()
      await allReadable(living)
      await store.stop()
      await rm(copy, { recursive: true })
    }
    folder = original
    await openWith()

    assert.ok(copies.length >= 8, String(copies.length))
  })
})

describe('which segment is first on a full disk', () => {
  const row = (sizeBytes: number, liveBytes: number) => ({ sizeBytes, syncedBytes: sizeBytes, liveBytes, liveBlocks: 1 })

  it('is the one with the smallest share of live bytes, and none that has too few dead ones', () => {
    assert.equal(pickCheapest(new Map([[1, row(1000, 400)], [2, row(1000, 300)], [3, row(100, 1)]]), 100), 2)
    assert.equal(pickCheapest(new Map([[1, row(1000, 400)], [2, row(-1, 0)]]), 100), 2)
    assert.equal(pickCheapest(new Map([[1, row(1000, 901)]]), 100), undefined)
    assert.equal(pickCheapest(new Map([[1, row(1000, 900)]]), 100), 1)
  })
})
