import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as dagPb from '@ipld/dag-pb'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { LinklessBlocks } from '../../../../../src/ipfs/helia/repository/linkless-blocks.ts'

const block = async (code: number, bytes: Uint8Array) => ({ cid: CID.createV1(code, await sha256.digest(bytes)), bytes })
const leaf = async (text: string) => block(dagPb.code, dagPb.encode({ Data: Buffer.from(text), Links: [] }))

describe('linkless blocks', () => {
  it('knows leaves, and nothing of blocks with links or other codecs', async () => {
    const blocks = new LinklessBlocks()
    const one = await leaf('one')
    const parent = await block(dagPb.code, dagPb.encode({ Data: Buffer.from('x'), Links: [{ Hash: one.cid, Name: '', Tsize: 3 }] }))
    const empty = await block(dagPb.code, dagPb.encode({ Links: [] }))
    const cbor = await block(0x71, Uint8Array.of(0x0a))

    for (const { cid, bytes } of [one, parent, empty, cbor]) blocks.note(cid, bytes)

    assert.deepEqual([one, parent, empty, cbor].map(({ cid }) => blocks.has(cid)), [true, false, true, false])
    assert.ok(blocks.has(CID.createV0(one.cid.multihash as never)))
  })

  it('forgets the oldest', async () => {
    const blocks = new LinklessBlocks(2)
    const leaves = await Promise.all(['a', 'b', 'c'].map(leaf))

    for (const { cid, bytes } of leaves) blocks.note(cid, bytes)

    assert.deepEqual(leaves.map(({ cid }) => blocks.has(cid)), [false, true, true])
  })
})
