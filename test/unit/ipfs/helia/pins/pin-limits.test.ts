import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Block } from '../../../../../src/blockstore/blockstore.ts'
import { pinOf } from '../../../../support/pins.ts'
import { batches } from '../../../../support/unixfs-blocks.ts'
import { nodeOf, textBlock } from '../../../../support/dags.ts'
import { startHelia } from '../../../../support/helia.ts'
import type { RunningHelia } from '../../../../support/helia.ts'

describe('limits of pins', () => {
  const leaves = Array.from({ length: 10 }, (_, at) => textBlock(`leaf ${at} ${'x'.repeat(93)}`))
  const root = nodeOf(leaves.map(({ cid }) => cid), 'root')
  const bytes = [root, ...leaves].reduce((sum, block) => sum + block.bytes.length, 0)
  let helia: RunningHelia
  before(async () => {
    helia = await startHelia({ pinLimits: { maxBytes: bytes, maxBlocks: Infinity } })
    await helia.connector.putBlocks(batches(root, ...leaves))
  })
  after(async () => helia.close())

  const pin = async ({ cid }: Block, metadata: Record<string, string> = {}): Promise<void> => helia.connector.pin(pinOf(cid, { metadata }))
  const isPinned = async ({ cid }: Block): Promise<boolean> => await helia.connector.pinStatus(pinOf(cid)) !== 'unpinned'

  it('end a pin whose content is larger, say how much was seen, and leave no root', async () => {
    for (const metadata of [{ 'max-size': String(bytes - 1) }, { 'max-blocks': '10' }]) {
      await assert.rejects(pin(root, metadata), {
        code: 'CONTENT_TOO_LARGE',
        message: new RegExp(`^the content is larger than its pin may be \\(max-\\w+ \\d+( bytes)?\\): ${bytes} bytes in 11 blocks were seen`)
      })
      assert.equal(await isPinned(root), false)
    }
    assert.equal(helia.connector.pinCount(), 0)
  })

  it('stop early', async () => {
    await assert.rejects(pin(root, { 'max-blocks': '3' }), /in 4 blocks were seen/)
  })

  it('hold for a single block that is here already', async () => {
    await assert.rejects(pin(leaves[0] as Block, { 'max-size': '99' }), { code: 'CONTENT_TOO_LARGE' })
    await pin(leaves[0] as Block, { 'max-size': '100' })
    assert.ok(await isPinned(leaves[0] as Block))
  })

  it('let what is as large as it may be, and do not mind what is no limit', async () => {
    await pin(root, { 'max-size': String(bytes), 'max-blocks': '11' })
    await pin(leaves[1] as Block, { 'max-size': 'much', 'max-blocks': '-1' })

    assert.ok(await isPinned(root))
  })

  it('are those of the configuration where a pin asks for more', async () => {
    const other = nodeOf(leaves.map(({ cid }) => cid), 'another root, which is a bit larger')
    await helia.connector.putBlocks(batches(other))

    await assert.rejects(pin(other, { 'max-size': '1GB' }), { code: 'CONTENT_TOO_LARGE' })
    await assert.rejects(pin(other), { code: 'CONTENT_TOO_LARGE' })
  })
})
