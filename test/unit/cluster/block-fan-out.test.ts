import assert from 'node:assert/strict'
import { it } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import { BlockFanOut } from '../../../src/cluster/add/block-fan-out.ts'
import { numberedBlocks } from '../../support/blocks.ts'
import { quietMs } from '../../support/poll.ts'

const spreadTo = (counts: number[]): BlockFanOut => {
  const putBlocks = async (batches: AsyncIterable<unknown[]>): Promise<void> => {
    for await (const batch of batches) counts.push(batch.length)
  }
  return new BlockFanOut(
    { self: 'self', destinations: ['self'], hold: {} as never, isPinned: true },
    { ipfs: { putBlocks }, remotes: { putBlocks: async () => {} }, log: silentLogger }
  )
}

async function batchesOf (count: number, size: number): Promise<number[]> {
  const counts: number[] = []
  const spread = spreadTo(counts)
  const blocks = numberedBlocks(count, size)
  for (let at = 0; at < count; at += 64) await spread.write(blocks.slice(at, at + 64))
  await spread.finish()
  return counts
}

it('blocks travel in batches of a megabyte, and of a thousand when they are tiny', { timeout: quietMs(10_000) }, async () => {
  const [tiny, large] = [await batchesOf(5000, 10), await batchesOf(16, 256 * 1024)]

  assert.equal(tiny.reduce((sum, count) => sum + count), 5000)
  assert.ok(Math.max(...tiny) <= 1024 + 64, tiny.join(' '))
  assert.deepEqual(large, [16])
})
