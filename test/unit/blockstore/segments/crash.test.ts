import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cp, mkdtemp, open, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemClock } from '../../../../src/base/system.ts'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { recordLength } from '../../../../src/blockstore/segments/record.ts'
import { segmentBlockstore } from '../../../../src/blockstore/segments/segments.ts'
import type { UpkeptBlockstore } from '../../../../src/blockstore/segments/segments.ts'
import { hex, numberedBlock, numberedBlocks } from '../../../support/blocks.ts'

const never = new AbortController().signal
const child = join(dirname(fileURLToPath(import.meta.url)), '../../../support/put-until-killed.ts')
const recordBytes = (sizeBytes: number): number => recordLength(34, sizeBytes)

/** The last segment of a store. */
const segmentIn = async (at: string): Promise<string> => join(at, 'segments', (await readdir(join(at, 'segments'))).toSorted().at(-1)!)

const multihashes = async (store: UpkeptBlockstore): Promise<string[]> => {
  const found: string[] = []
  for await (const batch of store.multihashes()) found.push(...batch.map(hex))
  return found
}

/** Flips the bits of one byte. */
const damage = async (file: string, at: number): Promise<void> => {
  const handle = await open(file, 'r+')
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, at)
  await handle.write(Buffer.of(byte[0]! ^ 0xff), 0, 1, at)
  await handle.close()
}

describe('segment store after a crash', () => {
  let folder: string
  let opened: UpkeptBlockstore[]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-crash-'))
    opened = []
  })

  afterEach(async () => {
    for (const store of opened) await store.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const openIn = async (at: string): Promise<UpkeptBlockstore> => {
    const store = segmentBlockstore({ folder: at, segmentBytes: 1 << 20 }, { log: silentLogger, clock: systemClock })
    await store.start(never)
    opened.push(store)
    return store
  }

  /** A copy of the files as a killed process leaves them: nothing was closed or synced. */
  const copyOf = async (name: string): Promise<string> => {
    const copy = join(folder, name)
    await cp(join(folder, 'store'), copy, { recursive: true })
    await rm(join(copy, 'index', 'LOCK'), { force: true })
    return copy
  }

  /** Runs the child until it has put `count` blocks, then kills it; gives the numbers whose puts had resolved. */
  const killedAfter = async (count: number, first: number): Promise<number[]> => {
    const process = spawn(
      globalThis.process.execPath, [child, join(folder, 'store'), String(first), String(1 << 20)], { stdio: ['ignore', 'pipe', 'inherit'] }
    )
    const ended = new Promise(resolve => process.once('exit', resolve))
    const numbers: number[] = []
    for await (const line of createInterface({ input: process.stdout })) {
      numbers.push(Number(line))
      if (numbers.length === count) process.kill('SIGKILL')
    }
    await ended
    return numbers
  }

  it('has all blocks whose put had resolved, whole, after kill -9 while putting, again and again', async () => {
    const put = new Set<number>()
    for (const round of [0, 1, 2]) {
      for (const number of await killedAfter(700, round * 100_000)) put.add(number)
      const store = await openIn(join(folder, 'store'))

      for (const number of put) {
        const { cid, bytes } = numberedBlock(number, number % 7 === 0 ? 50_000 : 300)
        const stored = await store.get(cid)
        if (number % 50 === 0) assert.equal(stored, undefined)
        else assert.deepEqual(Buffer.from(stored ?? []), bytes)
      }
      assert.ok((await multihashes(store)).length >= put.size * 0.97)
      await store.stop()
    }
  })

  it('cuts off a last record that is only partly there, at every byte', async () => {
    const store = await openIn(join(folder, 'store'))
    const kept = numberedBlocks(3, 40)
    const last = numberedBlock(99, 40)
    await store.put(kept)
    await store.put([last])
    const whole = await copyOf('whole')
    await store.stop()
    const wholeBytes = (await stat(await segmentIn(whole))).size

    for (let missing = 1; missing <= recordBytes(40); missing++) {
      const copy = join(folder, 'cut')
      await cp(whole, copy, { recursive: true })
      await truncate(await segmentIn(copy), wholeBytes - missing)
      const cut = await openIn(copy)

      assert.equal(cut.has(last.cid), false)
      assert.deepEqual(await Promise.all(kept.map(async ({ cid }) => (await cut.get(cid))?.length)), [40, 40, 40])
      await cut.put([last])
      assert.deepEqual(Buffer.from(await cut.get(last.cid) ?? []), last.bytes)
      await cut.stop()
      await rm(copy, { recursive: true })
    }
  })

  it('enters records that reached the disk before their index rows', async () => {
    const store = await openIn(join(folder, 'store'))
    await store.put(numberedBlocks(3))
    const before = await copyOf('before')
    await store.put(numberedBlocks(3, 64, 10))
    await cp(join(folder, 'store', 'segments'), join(before, 'segments'), { recursive: true, force: true })

    const restored = await openIn(before)

    assert.equal((await multihashes(restored)).length, 6)
    assert.equal(restored.sizeBytes(), store.sizeBytes())
  })

  it('enters what was put just before, whose index rows no kill waits for', async () => {
    const store = await openIn(join(folder, 'store'))
    await store.put(numberedBlocks(3))
    await store.put(numberedBlocks(3, 64, 10), { sync: true })
    const copy = await copyOf('copy')

    const restored = await openIn(copy)

    assert.equal((await multihashes(restored)).length, 6)
    assert.equal(restored.sizeBytes(), store.sizeBytes())
  })

  it('does not bring back what was deleted', async () => {
    const store = await openIn(join(folder, 'store'))
    const blocks = numberedBlocks(4)
    await store.put(blocks)
    await store.delete([blocks[1]!.cid])
    const copy = await copyOf('copy')

    const restored = await openIn(copy)

    assert.deepEqual(blocks.map(({ cid }) => restored.has(cid)), [true, false, true, true])
    assert.equal(restored.sizeBytes(), store.sizeBytes())
  })

  it('forgets a damaged record that was not synced and keeps the ones around it', async () => {
    const store = await openIn(join(folder, 'store'))
    const blocks = numberedBlocks(3, 100)
    await store.put(blocks)
    await multihashes(store) // whose rows have been written then: what nobody knows can't be missed
    const copy = await copyOf('copy')
    await damage(await segmentIn(copy), recordBytes(100) * 2 - 10)

    const restored = await openIn(copy)

    assert.deepEqual(blocks.map(({ cid }) => restored.has(cid)), [true, false, true])
    assert.equal(restored.lostBlocks?.(), 1)
  })

  it('forgets blocks whose headers are damaged and finds the next record behind them', async () => {
    const store = await openIn(join(folder, 'store'))
    const blocks = numberedBlocks(3, 100)
    await store.put(blocks)
    const copy = await copyOf('copy')
    await damage(await segmentIn(copy), recordBytes(100) + 13)

    const restored = await openIn(copy)

    assert.deepEqual(blocks.map(({ cid }) => restored.has(cid)), [true, false, true])
    assert.ok(await restored.get(blocks[2]!.cid))
  })

  it('has no damaged block any more, counts it and takes it again', async () => {
    const store = await openIn(join(folder, 'store'))
    const blocks = numberedBlocks(3, 100)
    await store.put(blocks)
    await store.stop()
    await damage(await segmentIn(join(folder, 'store')), recordBytes(100) + 60)

    const restored = await openIn(join(folder, 'store'))

    assert.equal(await restored.get(blocks[1]!.cid), undefined)
    assert.deepEqual([restored.has(blocks[1]!.cid), restored.lostBlocks?.()], [false, 1])
    await restored.put([blocks[1]!])
    assert.deepEqual(Buffer.from(await restored.get(blocks[1]!.cid) ?? []), Buffer.from(blocks[1]!.bytes))
    assert.ok(await restored.get(blocks[0]!.cid))
    assert.ok(await restored.get(blocks[2]!.cid))
  })

  it('reads what it keeps in memory from the disk, too, when it is told so', async () => {
    const store = await openIn(join(folder, 'store'))
    const blocks = numberedBlocks(3, 100)
    await store.put(blocks, { sync: true })
    await damage(await segmentIn(join(folder, 'store')), recordBytes(100) + 60)
    const [before, damaged] = blocks as [Block, Block]

    assert.deepEqual(Buffer.from(await store.get(damaged.cid) ?? []), Buffer.from(damaged.bytes))
    const unchecked = await store.get(damaged.cid, { isUnchecked: true, fromDisk: true })
    assert.notDeepEqual(Buffer.from(unchecked ?? []), Buffer.from(damaged.bytes))
    assert.equal(await store.get(damaged.cid, { fromDisk: true }), undefined)
    assert.deepEqual([store.has(damaged.cid), store.lostBlocks?.()], [false, 1])
    assert.deepEqual(Buffer.from(await store.get(before.cid, { fromDisk: true }) ?? []), Buffer.from(before.bytes))
  })

  it('forgets the blocks of a segment that is gone', async () => {
    const store = await openIn(join(folder, 'store'))
    const blocks = numberedBlocks(30, 100_000)
    for (const block of blocks) await store.put([block])
    await store.stop()
    await rm(await segmentIn(join(folder, 'store')))

    const restored = await openIn(join(folder, 'store'))

    const there = blocks.filter(({ cid }) => restored.has(cid))
    assert.ok(there.length > 0 && there.length < 30)
    for (const { cid } of there) assert.ok(await restored.get(cid))
  })

  it('rebuilds an index that was taken away from the segments', async () => {
    const store = await openIn(join(folder, 'store'))
    const blocks = numberedBlocks(50, 100_000)
    await store.put(blocks)
    const size = store.sizeBytes()
    await store.stop()
    await rm(join(folder, 'store', 'index'), { recursive: true })

    const restored = await openIn(join(folder, 'store'))

    assert.equal(restored.sizeBytes(), size)
    for (const { cid } of blocks) assert.ok(await restored.get(cid))
  })
})
