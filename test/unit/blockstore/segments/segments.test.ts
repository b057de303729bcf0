import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { segmentBlockstore } from '../../../../src/blockstore/segments/segments.ts'
import type { SegmentBlockstoreInit, UpkeptBlockstore } from '../../../../src/blockstore/segments/segments.ts'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { withMethods } from '../../../../src/observe/method-overrides.ts'
import { numberedBlock, numberedBlocks } from '../../../support/blocks.ts'
import { FaultyFiles } from '../../../support/faulty-files.ts'

const never = new AbortController().signal

describe('segment store', () => {
  let folder: string
  let files: FaultyFiles
  let store: UpkeptBlockstore

  const openWith = async (init: Partial<SegmentBlockstoreInit> = {}): Promise<UpkeptBlockstore> => {
    store = segmentBlockstore({ folder, segmentBytes: 100_000, worthBytes: 1, ...init }, { log: silentLogger, clock: systemClock, files })
    await store.start(never)
    return store
  }

  const diskBytes = async (): Promise<number> => {
    const names = await readdir(join(folder, 'segments'))
    const sizes = await Promise.all(names.map(async name => (await stat(join(folder, 'segments', name))).size))
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  const tidyUp = async (): Promise<void> => { while (await store.upkeep.work(never) === 'busy'); }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-segments-'))
    files = new FaultyFiles()
  })

  afterEach(async () => {
    files.roomBytes = Infinity
    await store.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('reads what nobody waits for in its own thread while the disk answers at once, and in the pool when it does not', async () => {
    const made: string[] = []
    let now = 0
    let readMs = 0
    const open = files.open.bind(files)
    files.open = async (path, options) => {
      const file = await open(path, options)
      return withMethods(file, {
        readv: async (into, position) => {
          made.push('in the pool')
          return file.readv(into, position)
        },
        readvNow: (into, position) => {
          made.push('at once')
          now += readMs
          return file.readvNow(into, position)
        }
      })
    }
    store = segmentBlockstore({ folder, recentBytes: 0 }, {
      log: silentLogger, clock: { ...systemClock, now: () => systemClock.now(), elapsed: () => now }, files
    })
    await store.start(never)
    const [{ cid }] = numberedBlocks(1, 1000) as [Block]
    await store.put(numberedBlocks(1, 1000))
    const read = async (ms: number, isUnhurried: boolean): Promise<void> => {
      readMs = ms
      made.length = 0
      assert.equal((await store.get(cid, { isUnhurried }))?.length, 1000)
    }

    await read(0.1, false)
    assert.deepEqual(made, ['in the pool'])
    await read(0.1, true)
    assert.deepEqual(made, ['at once'])
    await read(8, true)
    await read(0.1, true)
    assert.deepEqual(made, ['in the pool'])
    now += 1000
    await read(0.1, true)
    assert.deepEqual(made, ['at once'])
  })

  it('says STORAGE_FULL when the disk is, shows nothing of that batch, and goes on when there is room', async () => {
    await openWith()
    const before = numberedBlocks(5, 1000)
    await store.put(before)
    const size = store.sizeBytes()
    const batch = numberedBlocks(20, 1000, 100)

    files.roomBytes = 7500
    await assert.rejects(store.put(batch), err => isClusterError(err, 'STORAGE_FULL'))

    assert.equal(store.sizeBytes(), size)
    assert.deepEqual(batch.filter(({ cid }) => store.has(cid)), [])
    assert.ok(await store.get(before[0]!.cid))
    files.roomBytes = Infinity
    await store.put(batch)
    assert.ok(await store.get(batch[19]!.cid))
  })

  it('is whole after a restart that follows a full disk', async () => {
    await openWith()
    files.roomBytes = 7500
    await assert.rejects(store.put(numberedBlocks(20, 1000)))
    files.roomBytes = Infinity
    await store.put(numberedBlocks(3, 1000, 50))
    await store.stop()

    await openWith()

    assert.equal(store.has(numberedBlock(0, 1000).cid), false)
    assert.ok(await store.get(numberedBlock(51, 1000).cid))
  })

  it('says STORAGE_FULL when no new segment can be made', async () => {
    await openWith({ segmentBytes: 1000 })
    await store.put([numberedBlock(1, 2000)])

    files.roomBytes = 0
    await assert.rejects(store.put([numberedBlock(2)]), err => isClusterError(err, 'STORAGE_FULL'))

    files.roomBytes = Infinity
    await store.put([numberedBlock(2)])
    assert.ok(await store.get(numberedBlock(2).cid))
  })

  it('reads while a write is stuck', async () => {
    await openWith()
    const block = numberedBlock(1)
    await store.put([block])
    const gate = Promise.withResolvers<void>()
    files.writeGate = gate.promise

    const put = store.put([numberedBlock(2)])
    const read = await store.get(block.cid)

    assert.deepEqual(Buffer.from(read ?? []), block.bytes)
    assert.equal(store.has(numberedBlock(2).cid), false)
    gate.resolve()
    await put
  })

  it('writes what comes while a write runs with the next one', async () => {
    await openWith()
    await Promise.all(numberedBlocks(100).map(async block => store.put([block])))

    assert.equal(files.calls.filter(call => call === 'write').length, 1)
  })

  it('touches no file for a block that is there', async () => {
    await openWith()
    await store.put(numberedBlocks(3))
    const calls = files.calls.length

    await store.put(numberedBlocks(3))

    assert.equal(files.calls.length, calls)
  })

  it('syncs segments and folder only when something is new', async () => {
    await openWith()
    await store.put([numberedBlock(1)])
    await store.sync()
    const calls = files.calls.splice(0)

    await store.sync()

    assert.deepEqual(calls, ['write', 'syncFolder', 'datasync'])
    assert.deepEqual(files.calls, [])
  })

  it('writes what is to be on the disk in one call, with all that waits, and then needs no sync', async () => {
    await openWith()
    await Promise.all(numberedBlocks(10).map(async block => store.put([block], { sync: true })))
    await store.sync()

    assert.deepEqual(files.calls, ['syncedWrite', 'syncFolder'])
  })

  it('syncs what was put before without it, where that lies in front or is the same block', async () => {
    await openWith()
    const [first, second, third] = numberedBlocks(3)
    await store.put([first!])
    await store.put([first!], { sync: true })
    await store.put([second!])
    await store.put([third!], { sync: true })
    await store.put([second!, third!], { sync: true })

    assert.deepEqual(files.calls, ['write', 'syncFolder', 'datasync', 'write', 'syncedWrite', 'datasync'])
  })

  it('syncs much behind its write, so that others write meanwhile', async () => {
    await openWith({ segmentBytes: 10_000_000 })
    await store.put(numberedBlocks(10, 100_000), { sync: true })

    assert.deepEqual(files.calls, ['write', 'syncFolder', 'datasync'])
  })

  it('gives the space of deleted blocks back', async () => {
    await openWith()
    const blocks = numberedBlocks(100, 10_000)
    await store.put(blocks.slice(0, 50))
    for (const block of blocks.slice(50)) await store.put([block])
    await store.delete(blocks.filter((_, n) => n % 4 !== 0).map(({ cid }) => cid))

    await tidyUp()

    assert.ok(await diskBytes() < 2 * store.sizeBytes())
    for (const { cid, bytes } of blocks.filter((_, n) => n % 4 === 0)) assert.deepEqual(Buffer.from(await store.get(cid) ?? []), bytes)
  })

  it('leaves nothing on the disk when everything is deleted', async () => {
    await openWith()
    const blocks = numberedBlocks(40, 10_000)
    await store.put(blocks)
    await store.delete(blocks.map(({ cid }) => cid))

    await tidyUp()

    assert.equal(await diskBytes(), 0)
    assert.equal(store.sizeBytes(), 0)
  })

  it('removes a segment only when its copies are on the disk', async () => {
    await openWith()
    const blocks = numberedBlocks(10, 20_000)
    await store.put(blocks)
    await store.delete(blocks.slice(1).map(({ cid }) => cid))
    files.calls.length = 0

    await tidyUp()

    const removal = files.calls.indexOf('remove')
    assert.ok(removal > files.calls.lastIndexOf('write'))
    assert.ok(files.calls.slice(files.calls.lastIndexOf('write'), removal).includes('datasync'))
  })

  it('is read, put to and deleted from while it is tidied up', async () => {
    await openWith({ segmentBytes: 20_000 })
    const blocks = numberedBlocks(300, 1000)
    for (let n = 0; n < 300; n += 10) await store.put(blocks.slice(n, n + 10))
    await store.delete(blocks.filter((_, n) => n % 3 !== 0).map(({ cid }) => cid))
    const kept = blocks.filter((_, n) => n % 3 === 0)
    const tidy = { isDone: false }

    const tidying = tidyUp().then(() => { tidy.isDone = true })
    for (let round = 0; !tidy.isDone; round++) {
      const { cid, bytes } = kept[round % 50]!
      assert.deepEqual(Buffer.from(await store.get(cid) ?? []), bytes)
      await store.put([numberedBlock(1000 + round, 500)])
      if (round < 50) await store.delete([kept[50 + round]!.cid])
    }
    await tidying

    for (const { cid, bytes } of kept.slice(0, 50)) assert.deepEqual(Buffer.from(await store.get(cid) ?? []), bytes)
  })

  it('survives that tidying up is broken off', async () => {
    await openWith({ segmentBytes: 1 << 20 })
    const blocks = numberedBlocks(50, 10_000)
    await store.put(blocks)
    await store.delete(blocks.slice(10).map(({ cid }) => cid))

    await assert.rejects(store.upkeep.work(AbortSignal.abort(new Error('enough'))), /enough/)
    await store.stop()
    await openWith({ segmentBytes: 1 << 20 })
    await tidyUp()

    for (const { cid } of blocks.slice(0, 10)) assert.ok(await store.get(cid))
    assert.ok(await diskBytes() < 150_000)
  })

  it('gives up damaged blocks when their segment is tidied up', async () => {
    await openWith()
    const blocks = numberedBlocks(5, 1000)
    await store.put(blocks)
    await store.delete(blocks.slice(2).map(({ cid }) => cid))
    await store.sync()
    const [name = ''] = await readdir(join(folder, 'segments'))
    await writeFile(join(folder, 'segments', name), Buffer.alloc(50), { flag: 'r+' })

    await tidyUp()

    assert.equal(store.has(blocks[0]!.cid), false)
    assert.ok(await store.get(blocks[1]!.cid))
  })

  it('takes blocks after a start without the file of the last segment, and has its blocks again when the file is back', async () => {
    await openWith()
    const [lost, late] = [numberedBlock(1), numberedBlock(2)]
    await store.put([lost], { sync: true })
    await store.stop()
    const path = join(folder, 'segments', '0000000001.segment')
    const bytes = await readFile(path)
    await rm(path)

    await openWith()
    const without = [await store.get(lost.cid), store.lostBlocks?.()]
    await store.put([late], { sync: true })
    await store.stop()
    await openWith()
    const again = [store.has(lost.cid), store.has(late.cid), store.lostBlocks?.()]
    await store.stop()
    await writeFile(path, bytes)
    await openWith()

    assert.deepEqual(without, [undefined, 1])
    assert.deepEqual(again, [false, true, 0])
    assert.deepEqual(await store.get(lost.cid), lost.bytes)
    assert.deepEqual(await store.get(late.cid), late.bytes)
  })

  it('is without the blocks of a segment whose file goes while it runs, and takes them again', async () => {
    await openWith({ segmentBytes: 3000, openFiles: 1, recentBytes: 0 })
    const [lost, other] = [numberedBlocks(4, 1000), numberedBlock(9, 1000)]
    await store.put(lost)
    await store.put([other], { sync: true })
    await rm(join(folder, 'segments', '0000000001.segment'))

    const first = await store.get(lost[0]!.cid)
    const here = [...lost, other].filter(({ cid }) => store.has(cid))
    await store.put(lost, { sync: true })

    assert.deepEqual([first, here, store.lostBlocks?.()], [undefined, [other], 4])
    assert.deepEqual(await store.get(lost[3]!.cid), lost[3]!.bytes)
    await tidyUp()
  })

  it('goes on in another segment when the file that it writes to is gone', async () => {
    await openWith({ openFiles: 1, segmentBytes: 2000, recentBytes: 0 })
    await store.put([numberedBlock(1, 3000)])
    await store.put([numberedBlock(2)])
    await store.get(numberedBlock(1, 3000).cid) // closes the other file
    await rm(join(folder, 'segments', '0000000002.segment'))

    await assert.rejects(store.put([numberedBlock(3)]), { code: 'NOT_FOUND' })
    await store.put([numberedBlock(3)])

    assert.deepEqual(await store.get(numberedBlock(3).cid), numberedBlock(3).bytes)
    assert.equal(await store.get(numberedBlock(2).cid), undefined)
  })

  it('refuses a folder that another store uses', async () => {
    await openWith()
    const other = segmentBlockstore({ folder }, { log: silentLogger, clock: systemClock })

    await assert.rejects(other.start(never), err => isClusterError(err, 'LOCKED'))
  })

  it('refuses a folder of a newer format and of something else', async () => {
    await openWith()
    await store.stop()

    for (const version of [{ format: 'helia-cluster-segments', version: 2 }, { format: 'something', version: 1 }]) {
      await writeFile(join(folder, 'version.json'), JSON.stringify(version))
      await assert.rejects(
        segmentBlockstore({ folder }, { log: silentLogger, clock: systemClock }).start(never), err => isClusterError(err, 'UNSUPPORTED')
      )
    }
  })

  it('writes a damaged version.json again', async () => {
    await openWith()
    await store.put([numberedBlock(1)])
    await store.stop()
    const file = join(folder, 'version.json')
    const right = await readFile(file, 'utf8')

    for (const wrong of ['{', '', right.replace('segments', 'segmentz'), right.replace('"version":1', '"version":3'), right.slice(0, 20)]) {
      await writeFile(file, wrong)
      await openWith()
      assert.ok(await store.get(numberedBlock(1).cid))
      await store.stop()
      assert.equal(await readFile(file, 'utf8'), right)
    }
  })

  it('makes a damaged index again from the segments, and keeps its files', async () => {
    const blocks = numberedBlocks(20, 100)
    for (const kind of [/^CURRENT$/, /^MANIFEST/, /\.(log|ldb)$/]) {
      await openWith()
      await store.put(blocks)
      await store.stop()
      const names = (await readdir(join(folder, 'index'))).filter(name => kind.test(name))
      for (const name of names) {
        const bytes = await readFile(join(folder, 'index', name))
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
        await writeFile(join(folder, 'index', name), bytes)
      }

      await openWith()

      for (const { cid, bytes } of blocks) assert.deepEqual(await store.get(cid), bytes)
      await store.stop()
    }
    assert.ok((await readdir(folder)).filter(name => name.startsWith('index.damaged-')).length >= 2)
  })
})
