import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { CID } from 'multiformats/cid'
import type { Block, Blockstore } from '../../../../../src/blockstore/blockstore.ts'
import { memoryBlockstore } from '../../../../support/memory-blockstore.ts'
import { blockOf, hex, numberedBlocks } from '../../../../support/blocks.ts'
import { cborOf, dagPbCodec, nodeOf, textBlock } from '../../../../support/dags.ts'
import { localNode } from '../../../../support/local-node.ts'
import { pollUntil } from '../../../../support/poll.ts'
import type { LocalNode } from '../../../../support/local-node.ts'

const shared = textBlock('shared child')
const childOfA = textBlock('child of A')
const a = nodeOf([shared.cid, childOfA.cid], 'A')
const b = cborOf([shared.cid], 'B')
const stray = textBlock('nobody wants this')

const keys = (blocks: readonly Block[]): string[] => blocks.map(({ cid }) => hex(cid.multihash.bytes)).toSorted()

const filesIn = async (folder: string): Promise<number> =>
  (await readdir(folder, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile()).length

describe('garbage collection', () => {
  let node: LocalNode
  const there = (blocks: readonly Block[]): boolean[] => blocks.map(({ cid }) => node.blocks.has(cid))

  beforeEach(async () => { node = await localNode() })
  afterEach(async () => node.close())

  it('removes what no root needs, named as v1 raw CIDs like Kubo', async () => {
    await node.blocks.put([shared, childOfA, a, b, stray])
    await node.pin(a.cid)

    const gone: CID[] = []
    for await (const { key, error } of node.collector.collect()) {
      assert.equal(error, '')
      gone.push(key!)
    }

    assert.deepEqual(gone.map(cid => hex(cid.multihash.bytes)).toSorted(), keys([b, stray]))
    assert.ok(gone.every(cid => cid.toString().startsWith('bafkrei')))
    assert.deepEqual(there([shared, childOfA, a, b, stray]), [true, true, true, false, false])
  })

  it('keeps a child that two pins share through unpinning and pinning again', async () => {
    await node.blocks.put([shared, childOfA, a, b])
    await node.pin(a.cid)
    await node.pin(b.cid)
    await node.roots.remove(a.cid)
    await node.pin(a.cid)
    await node.roots.remove(b.cid)

    const gone = await node.gc()

    assert.deepEqual(gone, keys([b]))
    assert.deepEqual(there([shared, childOfA, a]), [true, true, true])
  })

  it('keeps of a direct pin the block alone, of a limited one its levels', async () => {
    const low = nodeOf([shared.cid], 'low')
    const middle = nodeOf([low.cid, childOfA.cid], 'middle')
    const top = nodeOf([middle.cid], 'top')
    await node.blocks.put([shared, childOfA, low, middle, top, a])
    await node.pin(top.cid, 2)
    await node.pin(a.cid, 0)

    const gone = await node.gc()

    assert.deepEqual(gone, keys([shared]))
  })

  it('keeps everything of a block that is pinned both ways', async () => {
    const top = nodeOf([a.cid], 'top')
    await node.blocks.put([shared, childOfA, a, top])
    await node.pin(top.cid, 1)
    await node.pin(a.cid)

    assert.deepEqual(await node.gc(), [])
  })

  it('tells a block pinned as raw bytes from the node it is', async () => {
    await node.blocks.put([shared, childOfA, a])
    await node.pin(blockOf(a.bytes).cid)

    assert.deepEqual((await node.gc()).toSorted(), keys([shared, childOfA]))
  })

  it('keeps what a running add has put, and takes it after an aborted one', async () => {
    const guard = node.protection.guard()
    await node.put([shared, a], guard)

    const during = await node.gc()
    guard.release()
    const after = await node.gc()

    assert.deepEqual(during, [])
    assert.deepEqual(after.toSorted(), keys([shared, a]))
  })

  it('keeps the blocks of a running pin that were here before', async () => {
    await node.blocks.put([shared, childOfA, a])
    const guard = node.protection.guard()
    await guard.protect([a.cid])

    assert.deepEqual((await node.gc()).toSorted(), keys([shared, childOfA]))
    guard.release()
  })

  it('keeps received blocks for an hour', async () => {
    const guard = node.protection.guard()
    await node.put([shared], guard)
    await node.recent.note([shared.cid])
    guard.release()

    await node.clock.advance(3_599_000)
    const withinTheHour = await node.gc()
    await node.clock.advance(2000)
    const later = await node.gc()

    assert.deepEqual([withinTheHour, later], [[], keys([shared])])
  })

  it('removes nothing when a pinned DAG is incomplete, and says which block', async () => {
    await node.blocks.put([shared, childOfA, a, stray])
    const broken = blockOf(Buffer.from('nonsense'), dagPbCodec)
    const top = nodeOf([a.cid], 'top')
    await node.blocks.put([top, broken])
    await node.pin(top.cid)
    await node.roots.add({ cid: broken.cid, depth: -1 })
    await node.blocks.delete([a.cid])

    const said: Array<[string | undefined, string]> = []
    for await (const { key, error } of node.collector.collect()) said.push([key?.toString(), error])

    assert.deepEqual(said.map(([key]) => key).toSorted(), [a.cid.toString(), broken.cid.toString()].toSorted())
    assert.ok(said.every(([, error]) => error.includes('pinned by') && error.includes('nothing was removed')))
    assert.deepEqual(there([stray, shared]), [true, true])
  })

  it('reports a failed removal per block and goes on', async () => {
    const store = memoryBlockstore()
    const failing: Blockstore = Object.assign(Object.create(store), {
      start: async () => store.start(new AbortController().signal),
      stop: async () => store.stop(),
      put: async (blocks: Block[]) => store.put(blocks),
      multihashes: () => store.multihashes(),
      delete: async () => { throw new Error('the disk is on strike') }
    })
    const other = await localNode({ blocks: failing })
    await store.put([stray])

    const said: string[] = []
    for await (const { error } of other.collector.collect()) said.push(error)

    assert.deepEqual(said, ['the disk is on strike'])
    await other.close()
  })

  it('ends cleanly when nobody reads on, and when the signal says so', async () => {
    await node.blocks.put(numberedBlocks(2500, 8))
    for await (const _ of node.collector.collect()) break
    const stop = new AbortController()

    const aborted = (async () => {
      for await (const _ of node.collector.collect({ signal: stop.signal })) stop.abort(new Error('enough'))
    })()

    await assert.rejects(aborted, /enough/)
    await node.gc()
    const left: Uint8Array[] = []
    for await (const batch of node.blocks.multihashes()) left.push(...batch)
    assert.equal(left.length, 0)
  })

  it('works with marks that do not fit into memory', async () => {
    const small = await localNode({ markMemoryBytes: 16 * 64 })
    const children = numberedBlocks(2000, 8)
    const top = nodeOf(children.map(({ cid }) => cid), 'wide')
    await small.blocks.put([...children, top, stray])
    await small.pin(top.cid)

    assert.deepEqual(await small.gc(), keys([stray]))
    await small.close()
  })

  it('leaves no files behind', async () => {
    const small = await localNode({ markMemoryBytes: 16 * 64 })
    const guard = small.protection.guard()
    await small.put(numberedBlocks(2000, 8), guard)
    await small.gc()
    const during = await filesIn(small.folder)
    guard.release()
    await small.gc()

    assert.ok(during > 0)
    await pollUntil(async () => await filesIn(small.folder) === 0, { what: 'an empty folder' })
    await small.close()
  })
})

describe('garbage collection beside running operations', () => {
  let node: LocalNode

  beforeEach(async () => { node = await localNode() })
  afterEach(async () => node.close())

  /** Starts a collection and stops it at its first removal, in the middle of the sweep. */
  const inTheMiddle = async (): Promise<{ rest: () => Promise<string[]>, first: string }> => {
    const running = node.collector.collect()[Symbol.asyncIterator]()
    const { value } = await running.next()
    return {
      first: hex(value.key.multihash.bytes),
      rest: async () => {
        const gone: string[] = []
        for (let step = await running.next(); step.done !== true; step = await running.next()) {
          gone.push(hex(step.value.key!.multihash.bytes))
        }
        return gone
      }
    }
  }

  it('never takes what is put while it runs, even when the put is over before it ends', async () => {
    await node.blocks.put(numberedBlocks(3000, 8))
    const { rest } = await inTheMiddle()
    const guard = node.protection.guard()
    await node.put([shared, a], guard)
    guard.release()

    await rest()

    assert.deepEqual([node.blocks.has(shared.cid), node.blocks.has(a.cid)], [true, true])
    assert.deepEqual((await node.gc()).toSorted(), keys([shared, a]))
  })

  it('never takes what was protected before it began, even when the operation is over before it ends', async () => {
    const garbage = numberedBlocks(3000, 8)
    await node.blocks.put(garbage)
    const guard = node.protection.guard()
    const guarded = garbage.filter((_, at) => at % 3 === 0)
    await guard.protect(guarded.map(({ cid }) => cid))
    const { rest } = await inTheMiddle()
    const last = guarded.at(-1)!.cid
    await node.roots.add({ cid: last, depth: 0 })
    guard.release()

    await rest()

    assert.ok(guarded.every(({ cid }) => node.blocks.has(cid)))
    assert.equal((await node.gc()).length, guarded.length - 1)
    assert.ok(node.blocks.has(last))
  })

  it('never takes what was here already and is put or pinned again while it runs', async () => {
    const garbage = numberedBlocks(3000, 8)
    await node.blocks.put(garbage)
    const { rest } = await inTheMiddle()
    const survivors = garbage.filter(({ cid }) => node.blocks.has(cid)).slice(-500)
    const guard = node.protection.guard()
    await node.put(survivors.slice(0, 250), guard)
    for (const { cid } of survivors.slice(250)) await node.pin(cid)
    guard.release()

    await rest()

    assert.ok(survivors.length === 500 && survivors.every(({ cid }) => node.blocks.has(cid)))
  })

  it('lets who protects a block that is being deleted wait until it is gone', async () => {
    const store = memoryBlockstore()
    const gate = Promise.withResolvers<void>()
    const slow: Blockstore = Object.assign(Object.create(store), {
      start: async () => store.start(new AbortController().signal),
      stop: async () => store.stop(),
      put: async (blocks: Block[]) => store.put(blocks),
      has: (cid: CID) => store.has(cid),
      multihashes: () => store.multihashes(),
      delete: async (cids: CID[]) => {
        deletions.resolve()
        await gate.promise
        await store.delete(cids)
      }
    })
    const deletions = Promise.withResolvers<void>()
    const other = await localNode({ blocks: slow })
    await store.put([shared])
    const collecting = other.gc()
    await deletions.promise

    const guard = other.protection.guard()
    const protecting = guard.protect([shared.cid]).then(() => store.has(shared.cid))
    gate.resolve()

    assert.equal(await protecting, false)
    await collecting
    await other.put([shared], guard)
    assert.equal(store.has(shared.cid), true)
    await other.close()
  })

  it('takes what was unpinned before it began, not what is unpinned meanwhile', async () => {
    await node.blocks.put([...numberedBlocks(1500, 8), shared, childOfA, a])
    await node.pin(a.cid)
    const { rest } = await inTheMiddle()

    await node.roots.remove(a.cid)
    await rest()

    assert.equal(node.blocks.has(a.cid), true)
    assert.deepEqual((await node.gc()).toSorted(), keys([shared, childOfA, a]))
  })

  it('runs one collection at a time', async () => {
    await node.blocks.put(numberedBlocks(1500, 8))
    const { rest, first } = await inTheMiddle()

    const second = node.gc()
    const gone = [first, ...await rest()]

    assert.equal(gone.length, 1500)
    assert.deepEqual(await second, [])
  })
})
