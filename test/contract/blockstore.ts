import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CID } from 'multiformats/cid'
import type { MultihashDigest } from 'multiformats'
import { isClusterError } from '../../src/base/errors.ts'
import type { Blockstore } from '../../src/blockstore/blockstore.ts'
import { hex, identityCid, numberedBlock, numberedBlocks } from '../support/blocks.ts'

export interface BlockstoreSubject {
  store: Blockstore
  /** Another store on the same data, for use after `store` was stopped. */
  reopen (): Blockstore
  close (): Promise<void>
  /** Damages one place of what a stopped store has on the disk: a flipped bit, a zeroed byte or a cut. Not for stores in memory. */
  rot? (seed: number): Promise<void>
}

const never = new AbortController().signal

/** The promises of `Blockstore`. */
export function blockstoreContract (name: string, open: () => Promise<BlockstoreSubject>): void {
  describe(`blockstore contract: ${name}`, () => {
    let subject: BlockstoreSubject
    let store: Blockstore

    beforeEach(async () => {
      subject = await open()
      store = subject.store
      await store.start(never)
    })

    afterEach(async () => {
      await store.stop()
      await subject.close()
    })

    const all = async (): Promise<string[]> => {
      const found: string[] = []
      for await (const batch of store.multihashes()) found.push(...batch.map(hex))
      return found.toSorted()
    }

    it('reads what was put, of every size', async () => {
      const blocks = [8, 100, 8191, 8192, 8193, 65_536, 1_100_000].map((size, n) => numberedBlock(n, size))

      await store.put(blocks)

      for (const { cid, bytes } of blocks) {
        assert.deepEqual(Buffer.from(await store.get(cid) ?? []), bytes)
        assert.equal(store.has(cid), true)
        assert.equal(store.sizeOf(cid), bytes.length)
      }
    })

    it('keeps the empty block', async () => {
      const empty = { ...numberedBlock(1), bytes: new Uint8Array(0) }

      await store.put([empty])

      assert.equal(store.sizeOf(empty.cid), 0)
      assert.equal((await store.get(empty.cid))?.length, 0)
    })

    it('has nothing of what was never put', async () => {
      const { cid } = numberedBlock(1)

      assert.equal(await store.get(cid), undefined)
      assert.equal(store.has(cid), false)
      assert.equal(store.sizeOf(cid), undefined)
      assert.equal(store.sizeBytes(), 0)
    })

    it('knows a block by its multihash, whatever the CID version and codec', async () => {
      const { cid, bytes } = numberedBlock(1)

      await store.put([{ cid, bytes }])

      assert.equal(store.has(CID.createV0(cid.multihash as MultihashDigest<0x12>)), true)
      assert.deepEqual(Buffer.from(await store.get(CID.createV1(0x70, cid.multihash)) ?? []), bytes)
      assert.deepEqual(await all(), [hex(cid.multihash.bytes)])
    })

    it('answers identity CIDs by themselves and never stores them', async () => {
      const cid = identityCid('inside')

      await store.put([{ cid, bytes: Buffer.from('inside') }])
      await store.delete([cid])

      assert.equal(store.has(cid), true)
      assert.equal(store.sizeOf(cid), 6)
      assert.equal(Buffer.from(await store.get(cid) ?? []).toString(), 'inside')
      assert.deepEqual(await all(), [])
    })

    it('gives bytes that belong to the caller', async () => {
      const block = numberedBlock(1)
      const wanted = Buffer.from(block.bytes)
      await store.put([block])

      const first = await store.get(block.cid)
      first?.fill(0)

      assert.deepEqual(Buffer.from(await store.get(block.cid) ?? []), wanted)
    })

    it('keeps nothing of the memory that was put', async () => {
      const blocks = [numberedBlock(1), ...numberedBlocks(2, 100_000)]
      const wanted = blocks.map(({ bytes }) => Buffer.from(bytes))
      await store.put(blocks)

      for (const { bytes } of blocks) bytes.fill(0)

      const found = await Promise.all(blocks.map(async ({ cid }) => Buffer.from(await store.get(cid) ?? [])))
      assert.deepEqual(found, wanted)
    })

    it('counts a block once, however often it is put', async () => {
      const block = numberedBlock(1, 1000)
      await store.put([block])
      const once = store.sizeBytes()

      await store.put([block, block])
      await Promise.all([store.put([block]), store.put([numberedBlock(2, 1000), block])])

      assert.equal(store.sizeBytes(), 2 * once)
      assert.equal((await all()).length, 2)
    })

    it('merges concurrent puts of the same and of different blocks', async () => {
      const blocks = numberedBlocks(200, 500)

      await Promise.all(blocks.flatMap((block, n) => [store.put([block]), store.put(blocks.slice(n, n + 3))]))

      assert.deepEqual(await all(), blocks.map(block => hex(block.cid.multihash.bytes)).toSorted())
    })

    it('deletes, also what is not there and what is named twice', async () => {
      const blocks = numberedBlocks(10)
      await store.put(blocks)
      const gone = blocks.slice(0, 5).map(block => block.cid)

      await store.delete([...gone, ...gone, numberedBlock(99).cid])

      assert.deepEqual(blocks.map(block => store.has(block.cid)), [...Array(5).fill(false), ...Array(5).fill(true)])
      assert.equal(await store.get(gone[0]!), undefined)
      assert.equal((await all()).length, 5)
    })

    it('takes back what was deleted when it is put again', async () => {
      const block = numberedBlock(1)
      await store.put([block])

      const deleting = store.delete([block.cid])
      await store.put([block])
      await deleting

      assert.equal(store.has(block.cid), true)
      assert.ok(await store.get(block.cid))
    })

    it('counts live bytes, with overhead', async () => {
      const blocks = numberedBlocks(20, 10_000)
      await store.put(blocks)
      const full = store.sizeBytes()

      await store.delete(blocks.slice(0, 10).map(block => block.cid))

      assert.ok(full >= 200_000 && full < 220_000, `${full}`)
      assert.equal(store.sizeBytes(), full / 2)
    })

    it('keeps everything over a stop', async () => {
      const blocks = numberedBlocks(300, 700)
      await store.put(blocks)
      await store.delete([blocks[0]!.cid])
      const size = store.sizeBytes()
      await store.stop()

      store = subject.reopen()
      await store.start(never)

      assert.equal(store.sizeBytes(), size)
      assert.equal(store.has(blocks[0]!.cid), false)
      for (const { cid, bytes } of blocks.slice(1)) assert.deepEqual(Buffer.from(await store.get(cid) ?? []), bytes)
    })

    it('goes on after a restart', async () => {
      await store.put(numberedBlocks(10))
      await store.stop()
      store = subject.reopen()
      await store.start(never)

      await store.put(numberedBlocks(10, 64, 5))

      assert.equal((await all()).length, 15)
    })

    it('lists large stores in batches', async () => {
      const blocks = numberedBlocks(2500, 8)
      await store.put(blocks)

      const sizes: number[] = []
      for await (const batch of store.multihashes()) sizes.push(batch.length)

      assert.ok(sizes.length > 1 && Math.max(...sizes) <= 1000)
      assert.equal(sizes.reduce((sum, size) => sum + size, 0), 2500)
    })

    it('lets others change the store while it is listed', async () => {
      const blocks = numberedBlocks(2500, 8)
      await store.put(blocks)

      for await (const batch of store.multihashes()) {
        await store.put([numberedBlock(10_000 + batch.length)])
        await store.delete([blocks[0]!.cid])
      }

      assert.equal(store.has(blocks[0]!.cid), false)
      assert.equal(store.has(blocks[1]!.cid), true)
    })

    it('syncs, many at once', async () => {
      await store.put(numberedBlocks(10))

      await Promise.all([store.sync(), store.sync(), store.put([numberedBlock(50)]), store.sync()])

      assert.equal((await all()).length, 11)
    })

    it('rejects with the reason of a signal that was aborted before', async () => {
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      const block = numberedBlock(1)

      await assert.rejects(store.put([block], { signal }), reason)
      await assert.rejects(store.get(block.cid, { signal }), reason)
      await assert.rejects(store.delete([block.cid], { signal }), reason)
      await store.put([numberedBlock(2)])

      assert.equal(store.has(block.cid), false)
      await assert.rejects(async () => { for await (const _ of store.multihashes({ signal })); }, reason)
    })

    it('is NOT_READY after stop, in every method', async () => {
      const { cid } = numberedBlock(1)
      await store.stop()

      const calls = [
        async () => store.put([]), async () => store.get(cid), async () => store.has(cid), async () => store.sizeOf(cid),
        async () =>
          store.delete([cid]), async () => store.sync(), async () => store.sizeBytes(),
          async () => { for await (const _ of store.multihashes()); }
      ]

      for (const call of calls) await assert.rejects(call, err => isClusterError(err, 'NOT_READY'))
      await store.stop()
    })

    it('is NOT_READY before start', async () => {
      await store.stop()
      const fresh = subject.reopen()

      assert.throws(() => fresh.has(numberedBlock(1).cid), err => isClusterError(err, 'NOT_READY'))
      await assert.rejects(fresh.put([numberedBlock(1)]), err => isClusterError(err, 'NOT_READY'))
    })

    it('finishes what was begun before stop', async () => {
      const blocks = numberedBlocks(100, 5000)
      const puts = blocks.map(async block => store.put([block]))
      await store.stop()
      await Promise.all(puts)

      store = subject.reopen()
      await store.start(never)

      assert.equal((await all()).length, 100)
    })

    it('gives right bytes or none, and says what it lost, whatever one damaged place is', async context => {
      if (subject.rot == null) return context.skip('in memory')
      const blocks = numberedBlocks(30, 300)
      for (let seed = 0; seed < 25; seed++) {
        await store.put(blocks)
        await store.stop()

        await subject.rot(seed)

        store = subject.reopen()
        await store.start(never)
        let missing = 0
        for (const { cid, bytes } of blocks) {
          const found = await store.get(cid)
          if (found == null) missing++
          else assert.deepEqual(Buffer.from(found), bytes, `seed ${seed}`)
          assert.equal(store.has(cid), found != null, `seed ${seed}`)
        }
        if (missing > 0) assert.ok((store.lostBlocks?.() ?? 0) > 0, `seed ${seed}: ${missing} blocks are gone without a word`)
      }
    })
  })
}
