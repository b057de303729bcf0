import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { CID } from 'multiformats/cid'
import { isClusterError } from '../../../../../src/base/errors.ts'
import { damageRow } from '../../../../../src/datastore/datastore.ts'
import type { Datastore, Write } from '../../../../../src/datastore/datastore.ts'
import { memoryDatastore } from '../../../../support/memory-datastore.ts'
import type { Root, RootTable } from '../../../../../src/ipfs/helia/repository/repository.ts'
import { rootTable } from '../../../../../src/ipfs/helia/repository/root-table.ts'
import { identityCid, numberedBlocks } from '../../../../support/blocks.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

const never = new AbortController().signal
const cids = numberedBlocks(50).map(({ cid }) => cid)
const [first, second] = [cids[0]!, cids[1]!]

describe('root table', () => {
  let datastore: Datastore
  let clock: SimClock
  let roots: RootTable
  let writes: Array<readonly Write[]>

  const open = async (): Promise<RootTable> => {
    const table = rootTable({}, { clock, datastore: Object.assign(Object.create(datastore), wrapped()) })
    await table.start(never)
    return table
  }

  /** The datastore, with its writes noted. */
  const wrapped = (): Pick<Datastore, 'get' | 'getMany' | 'has' | 'write' | 'entries' | 'texts'> => ({
    get: key => datastore.get(key),
    has: key => datastore.has(key),
    getMany: async keys => datastore.getMany(keys),
    entries: (range, options) => datastore.entries(range, options),
    texts: (range, options) => datastore.texts(range, options),
    write: async (batch, options) => {
      writes.push(batch)
      await datastore.write(batch, options)
    }
  })

  const listed = async (): Promise<Root[]> => {
    const all: Root[] = []
    for await (const batch of roots.list()) all.push(...batch)
    return all
  }

  beforeEach(async () => {
    datastore = memoryDatastore()
    await datastore.start(never)
    clock = new SimClock(1_000_000)
    writes = []
    roots = await open()
  })

  it('counts again when the store was damaged', async () => {
    for (const cid of cids.slice(0, 5)) await roots.add({ cid, depth: -1 })
    await roots.stop()
    await datastore.write([{ key: `/roots/${first.toString()}`, value: undefined }, { key: damageRow, value: Buffer.from('{}') }])

    roots = await open()

    assert.equal(roots.count(), 4)
  })

  it('knows what was added: mode, depth and since when', async () => {
    await roots.add({ cid: first, depth: -1 })
    await clock.advance(5000)
    await roots.add({ cid: second, depth: 0 })

    assert.deepEqual(roots.get(first), { cid: first, mode: 'recursive', depth: -1, since: 1_000_000 })
    assert.deepEqual(roots.get(second), { cid: second, mode: 'direct', depth: 0, since: 1_005_000 })
    assert.deepEqual([first, second, cids[2]!].map(cid => roots.statusOf(cid)), ['recursive', 'direct', 'unpinned'])
    assert.deepEqual(await roots.statusesOf([first, second, cids[2]!]), ['recursive', 'direct', 'unpinned'])
    assert.deepEqual([roots.has(first), roots.has(cids[2]!), roots.get(cids[2]!)], [true, false, undefined])
  })

  it('looks once whether a root is there that is made after it was asked for', async () => {
    const looked: string[] = []
    const { has } = datastore
    datastore.has = key => (looked.push(key), has.call(datastore, key))

    for (const _round of [1, 2]) {
      assert.equal(roots.get(first), undefined)
      await roots.add({ cid: first, depth: -1 })
      assert.equal(await roots.remove(first), true)
    }

    assert.deepEqual([looked, roots.count()], [[], 0])
  })

  it('does not take for done what could not be written', async () => {
    const { write } = datastore
    assert.equal(roots.get(first), undefined)
    await roots.add({ cid: second, depth: -1 })
    datastore.write = async () => { throw new Error('full') }
    await assert.rejects(roots.add({ cid: first, depth: -1 }))
    await assert.rejects(roots.remove(second))
    datastore.write = write

    assert.deepEqual([await roots.remove(first), await roots.remove(second), roots.count()], [false, true, 0])
  })

  it('replaces a root and counts it once', async () => {
    await roots.add({ cid: first, depth: 0 })
    await roots.add({ cid: first, depth: 3 })

    assert.deepEqual([roots.get(first)?.mode, roots.get(first)?.depth, roots.count()], ['recursive', 3, 1])
  })

  it('says whether there was something to remove', async () => {
    await roots.add({ cid: first, depth: -1 })

    assert.deepEqual([await roots.remove(first), await roots.remove(first), await roots.remove(second)], [true, false, false])
    assert.deepEqual([roots.count(), roots.has(first)], [0, false])
  })

  it('takes v0 and v1 of one block for two roots', async () => {
    const v0 = CID.createV0(first.multihash as Parameters<typeof CID.createV0>[0])
    await roots.add({ cid: v0, depth: -1 })

    assert.deepEqual([roots.has(v0), roots.has(first)], [true, false])
    assert.equal((await listed())[0]?.cid.toString(), v0.toString())
  })

  it('writes changes that come together as one batch', async () => {
    await Promise.all(cids.map(async cid => roots.add({ cid, depth: -1 })))

    assert.equal(writes.length, 1)
    assert.equal(roots.count(), 50)
  })

  it('keeps the order of changes that come together', async () => {
    const answers = await Promise.all([
      roots.add({ cid: first, depth: -1 }), roots.remove(first), roots.remove(first), roots.add({ cid: first, depth: 0 }),
      roots.add({ cid: second, depth: -1 }), roots.remove(second)
    ])

    assert.deepEqual(answers, [undefined, true, false, undefined, undefined, true])
    assert.deepEqual([roots.count(), roots.statusOf(first), roots.has(second)], [1, 'direct', false])
  })

  it('lists all roots', async () => {
    await Promise.all(cids.map(async (cid, depth) => roots.add({ cid, depth: depth - 1 })))

    const all = await listed()

    assert.deepEqual(
      new Set(all.map(({ cid, depth }) => `${cid.toString()} ${depth}`)), new Set(cids.map((cid, n) => `${cid.toString()} ${n - 1}`))
    )
  })

  it('has count and rows after a restart', async () => {
    await Promise.all([...cids, identityCid('inside')].map(async cid => roots.add({ cid, depth: -1 })))
    await roots.remove(first)
    await roots.stop()

    roots = await open()

    assert.equal(roots.count(), 50)
    assert.equal((await listed()).length, 50)
  })

  it('changes nothing when the write fails', async () => {
    await roots.add({ cid: first, depth: -1 })
    const failure = new Error('the disk is on strike')
    const table = rootTable({}, { clock, datastore: { ...wrapped(), write: async () => { throw failure } } })
    await table.start(never)

    await assert.rejects(table.add({ cid: second, depth: -1 }), failure)
    await assert.rejects(table.remove(first), failure)

    assert.deepEqual([table.count(), table.has(first), table.has(second)], [1, true, false])
  })

  it('has at once what is written soon, with all that comes until then', async () => {
    for (const cid of cids) assert.equal(roots.addSoon({ cid, depth: -1 }), undefined)
    const statuses = await roots.statusesOf([...cids.slice(0, 2), identityCid('other')])
    const before = [roots.count(), roots.has(first), roots.get(second)?.mode, (await listed()).length, writes.length]
    roots.addSoon({ cid: first, depth: 0 })

    await clock.advance(20)

    assert.deepEqual([before, statuses], [[50, true, 'recursive', 50, 0], ['recursive', 'recursive', 'unpinned']])
    assert.deepEqual([writes.length, roots.count(), roots.statusOf(first), (await listed()).length], [1, 50, 'direct', 50])
    roots = await open()
    assert.deepEqual([roots.count(), roots.statusOf(first)], [50, 'direct'])
  })

  it('lists each root once that is being written', async () => {
    await roots.add({ cid: first, depth: 0 })
    for (const cid of cids) roots.addSoon({ cid, depth: -1 })

    const all = await listed()

    assert.deepEqual([all.length, new Set(all.map(({ mode }) => mode))], [50, new Set(['recursive'])])
  })

  it('keeps the order of what is written soon and what is written now', async () => {
    roots.addSoon({ cid: first, depth: -1 })
    roots.addSoon({ cid: second, depth: -1 })
    const removed = roots.remove(first)
    const late = roots.addSoon({ cid: first, depth: 0 })

    assert.equal(await removed, true)
    await late

    assert.deepEqual([roots.count(), roots.statusOf(first), roots.statusOf(second)], [2, 'direct', 'recursive'])
    await roots.stop()
    roots = await open()
    assert.deepEqual([roots.count(), roots.statusOf(first), roots.statusOf(second)], [2, 'direct', 'recursive'])
  })

  it('writes at the stop what it has not written', async () => {
    roots.addSoon({ cid: first, depth: -1 })
    await roots.stop()

    roots = await open()

    assert.deepEqual([roots.count(), roots.has(first)], [1, true])
  })

  it('lets who comes wait while the disk takes nothing, and writes all when it does', async () => {
    const { write } = datastore
    datastore.write = async () => { throw new Error('full') }
    roots.addSoon({ cid: first, depth: -1 })
    await clock.advance(20)

    const failed = roots.addSoon({ cid: second, depth: -1 })
    assert.ok(failed != null)
    await assert.rejects(failed)
    datastore.write = write
    await clock.advance(1000)

    assert.deepEqual([roots.has(first), roots.has(second), roots.count()], [true, false, 1])
    assert.equal(roots.addSoon({ cid: second, depth: -1 }), undefined)
    assert.equal(datastore.has(`/roots/${first.toString()}`), true)
  })

  it('tells the statuses of many by their texts, in any order, with rows between them and of both versions', async () => {
    const all = Array.from({ length: 3000 }, (_, at) => identityCid(`content ${at * 7919 % 3000}${'.'.repeat(at % 9)}`))
    await Promise.all(all.map(async (cid, at) => at % 3 === 0 || roots.add({ cid, depth: at % 3 === 1 ? -1 : 0 })))
    const v0 = CID.parse('QmccvEeJ1S95baJ6brLwNCKc6uq89vpVEoUGcEXc5FHhaX')
    await roots.add({ cid: v0, depth: -1 })
    const texts = [...all.map(cid => cid.toString()).toSorted(), v0.toString(), all[0]!.toString(), all[1]!.toString()]
    texts.splice(5, 0, v0.toString())
    const cursor = roots.cursor()

    const statuses: string[] = []
    for (const [from, to] of [[0, 0], [0, 1000], [1000, texts.length]]) statuses.push(...await cursor.statusesOf(texts.slice(from, to)))

    assert.deepEqual(statuses, texts.map(text => roots.statusOf(CID.parse(text))))
    assert.equal(new Set(statuses).size, 3)
    await cursor.close()
  })

  it('tells the statuses of roots that are written while it is asked', async () => {
    await roots.add({ cid: first, depth: 0 })
    for (const cid of cids) roots.addSoon({ cid, depth: -1 })
    const cursor = roots.cursor()
    const texts = cids.map(cid => cid.toString()).toSorted()
    const early = await cursor.statusesOf(texts.slice(0, 20))

    await clock.advance(20)

    assert.deepEqual(new Set([...early, ...await cursor.statusesOf(texts.slice(20))]), new Set(['recursive']))
    await cursor.close()
  })

  it('refuses depths that make no sense', async () => {
    for (const depth of [-2, 1.5, NaN]) {
      await assert.rejects(roots.add({ cid: first, depth }), err => isClusterError(err, 'INVALID_ARGUMENT'))
    }
  })

  it('is NOT_READY before start and after stop', async () => {
    await roots.stop()

    assert.throws(() => roots.get(first), err => isClusterError(err, 'NOT_READY'))
    assert.throws(() => roots.count(), err => isClusterError(err, 'NOT_READY'))
    await assert.rejects(roots.add({ cid: first, depth: -1 }), err => isClusterError(err, 'NOT_READY'))
    await assert.rejects(async () => listed(), err => isClusterError(err, 'NOT_READY'))
  })
})
