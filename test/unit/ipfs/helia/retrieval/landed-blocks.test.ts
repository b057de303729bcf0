import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LandedBlocks } from '../../../../../src/ipfs/helia/retrieval/landed-blocks.ts'
import { numberedBlock } from '../../../../support/blocks.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

const [one, two, three] = [1, 2, 3].map(number => numberedBlock(number, 1000)) as [
  ReturnType<typeof numberedBlock>, ReturnType<typeof numberedBlock>, ReturnType<typeof numberedBlock>
]

describe('blocks that were fetched ahead', () => {
  it('are given once, whatever the version of the CID', () => {
    const landed = new LandedBlocks({ maxBytes: 10_000, keepMs: 1000 }, { clock: new SimClock() })
    landed.keep(one.cid, one.bytes)

    assert.deepEqual([landed.take(one.cid), landed.take(one.cid), landed.bytes], [one.bytes, undefined, 0])
  })

  it('go, the oldest first, where there are too many', () => {
    const landed = new LandedBlocks({ maxBytes: 2000, keepMs: 1000 }, { clock: new SimClock() })
    for (const { cid, bytes } of [one, two, three, three]) landed.keep(cid, bytes)

    assert.deepEqual(
      [landed.bytes, landed.take(one.cid), landed.take(two.cid) != null, landed.take(three.cid) != null], [2000, undefined, true, true]
    )
  })

  it('go by themselves when nobody comes for them', async () => {
    const clock = new SimClock()
    const landed = new LandedBlocks({ maxBytes: 10_000, keepMs: 1000 }, { clock })
    landed.keep(one.cid, one.bytes)
    await clock.advance(600)
    landed.keep(two.cid, two.bytes)

    await clock.advance(500)
    const later = landed.bytes
    await clock.advance(2000)

    assert.deepEqual([later, landed.bytes, clock.pending], [1000, 0, 0])
  })
})
