import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PrefetchedBlocks } from '../../../../../src/ipfs/helia/retrieval/prefetched-blocks.ts'
import { numberedBlock } from '../../../../support/blocks.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

const [one, two, three] = [1, 2, 3].map(number => numberedBlock(number, 1000)) as [
  ReturnType<typeof numberedBlock>, ReturnType<typeof numberedBlock>, ReturnType<typeof numberedBlock>
]

describe('blocks that were fetched ahead', () => {
  it('are given once, whatever the version of the CID', () => {
    const blocks = new PrefetchedBlocks({ maxBytes: 10_000, keepMs: 1000 }, { clock: new SimClock() })
    blocks.keep(one.cid, one.bytes)

    assert.deepEqual([blocks.take(one.cid), blocks.take(one.cid), blocks.bytes], [one.bytes, undefined, 0])
  })

  it('go, the oldest first, where there are too many', () => {
    const blocks = new PrefetchedBlocks({ maxBytes: 2000, keepMs: 1000 }, { clock: new SimClock() })
    for (const { cid, bytes } of [one, two, three, three]) blocks.keep(cid, bytes)

    assert.deepEqual(
      [blocks.bytes, blocks.take(one.cid), blocks.take(two.cid) != null, blocks.take(three.cid) != null], [2000, undefined, true, true]
    )
  })

  it('go by themselves when nobody comes for them', async () => {
    const clock = new SimClock()
    const blocks = new PrefetchedBlocks({ maxBytes: 10_000, keepMs: 1000 }, { clock })
    blocks.keep(one.cid, one.bytes)
    await clock.advance(600)
    blocks.keep(two.cid, two.bytes)

    await clock.advance(500)
    const later = blocks.bytes
    await clock.advance(2000)

    assert.deepEqual([later, blocks.bytes, clock.pending], [1000, 0, 0])
  })
})
