import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Blockstore as InterfaceBlockstore } from 'interface-blockstore'
import { memoryBlockstore } from '../../../../support/memory-blockstore.ts'
import { interfaceBlockstore } from '../../../../../src/ipfs/helia/repository/interface-blockstore.ts'
import { numberedBlock, numberedBlocks } from '../../../../support/blocks.ts'

async function joined (parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part)
  return Buffer.concat(all)
}

describe('our store as Helia wants it', () => {
  let store: InterfaceBlockstore
  const blocks = numberedBlocks(150)
  const [first] = blocks

  beforeEach(async () => {
    const inner = memoryBlockstore()
    await inner.start(new AbortController().signal)
    store = interfaceBlockstore(inner)
  })

  it('puts, has, gets and deletes', async () => {
    assert.equal(await store.put(first!.cid, first!.bytes), first!.cid)
    assert.equal(await store.has(first!.cid), true)
    assert.deepEqual(await joined(store.get(first!.cid)), first!.bytes)

    await store.delete(first!.cid)

    assert.equal(await store.has(first!.cid), false)
  })

  it('takes blocks in pieces', async () => {
    const pieces = [first!.bytes.subarray(0, 10), first!.bytes.subarray(10)]
    await store.put(first!.cid, pieces)
    const { cid, bytes } = numberedBlock(500)
    await store.put(cid, (async function * () { yield bytes })())

    assert.deepEqual(await joined(store.get(first!.cid)), first!.bytes)
    assert.deepEqual(await joined(store.get(cid)), bytes)
  })

  it('throws NotFoundError for what is not there', async () => {
    await assert.rejects(joined(store.get(first!.cid)), { name: 'NotFoundError' })
  })

  it('does all of it for many', async () => {
    const put: string[] = []
    for await (const cid of store.putMany(blocks)) put.push(cid.toString())
    const got: Buffer[] = []
    for await (const { bytes } of store.getMany(blocks.map(({ cid }) => cid))) got.push(await joined(bytes))
    let all = 0
    for await (const { bytes } of store.getAll()) all += (await joined(bytes)).length
    for await (const _ of store.deleteMany(blocks.slice(1).map(({ cid }) => cid)));

    assert.deepEqual(put, blocks.map(({ cid }) => cid.toString()))
    assert.deepEqual(got, blocks.map(({ bytes }) => bytes))
    assert.equal(all, 150 * 64)
    assert.deepEqual([await store.has(first!.cid), await store.has(blocks[1]!.cid)], [true, false])
  })
})
