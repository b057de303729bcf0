import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lend } from '../../../src/base/lent-memory.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { BlockFanOut } from '../../../src/cluster/add/block-fan-out.ts'
import { BlockBatch } from '../../../src/importer/block-batch.ts'
import { numberedBlock, numberedBlocks } from '../../support/blocks.ts'
import { quietMs } from '../../support/poll.ts'

interface Put { count: number, sync: boolean }

const fanOutTo = (puts: Put[], put: () => Promise<void> = async () => {}, others: string[] = []): BlockFanOut => new BlockFanOut(
  {
    self: 'self', destinations: ['self', ...others], isPinned: true,
    hold: {
      put: async (blocks, { sync = false } = {}) => {
        puts.push({ count: blocks.length, sync })
        await put()
      }
    }
  },
  { remotes: { putBlocks: async () => {} }, log: silentLogger }
)

async function putsOf (count: number, size: number): Promise<Put[]> {
  const puts: Put[] = []
  const fanOut = fanOutTo(puts)
  const batch = new BlockBatch(fanOut)
  for (const block of numberedBlocks(count, size)) {
    batch.add(block)
    if (batch.isFull) await batch.flush()
  }
  await batch.finish()
  await fanOut.finish()
  return puts
}

describe('blocks of an upload', () => {
  it('travel in batches of a megabyte, and of a thousand when they are tiny', { timeout: quietMs(10_000) }, async () => {
    const [tiny, large] = [await putsOf(5000, 10), await putsOf(17, 256 * 1024)]
    const counts = tiny.map(({ count }) => count)

    assert.equal(counts.reduce((sum, count) => sum + count), 5000)
    assert.ok(counts.slice(0, -1).every(count => count >= 1000 && count <= 1024 + 64), counts.join(' '))
    assert.deepEqual(large.map(({ count }) => count), [4, 4, 4, 4, 1])
  })

  it('are synced with their batch when it is the only one', async () => {
    assert.deepEqual(await putsOf(3, 1000), [{ count: 3, sync: true }])
    assert.deepEqual((await putsOf(9, 256 * 1024)).map(({ sync }) => sync), [false, false, false])
  })

  it('wait while six megabytes are under way, and go on as soon as there is room', async () => {
    const puts: Put[] = []
    const ends: Array<() => void> = []
    const fanOut = fanOutTo(puts, () => new Promise(resolve => { ends.push(resolve) }))
    const megabyte = numberedBlocks(4, 256 * 1024)

    for (let count = 0; count < 6; count++) await fanOut.write(megabyte)
    let isWritten = false
    const seventh = fanOut.write(megabyte).then(() => { isWritten = true })
    await new Promise(resolve => { setImmediate(resolve) })
    assert.deepEqual([puts.length, isWritten], [7, false])
    ends[3]?.()
    await seventh

    const finished = fanOut.finish()
    for (const end of ends) end()
    await finished
  })

  it('fail when the peer does not take them, at once where more are to come', async () => {
    const fanOut = fanOutTo([], async () => { throw new Error('no') })

    await fanOut.write(numberedBlocks(1))
    await new Promise(resolve => { setImmediate(resolve) })

    await assert.rejects(fanOut.write(numberedBlocks(1)), { code: 'IPFS_ERROR' })
    await assert.rejects(fanOut.finish(), { code: 'IPFS_ERROR' })
  })

  it('give lent memory back when they are stored, unless another peer gets them, too, or they are not stored', async () => {
    const fails = async (): Promise<void> => { throw new Error('no') }
    const given: string[] = []
    for (const [what, fanOut] of Object.entries({
      alone: fanOutTo([]), together: fanOutTo([], undefined, ['other']), failed: fanOutTo([], fails)
    })) {
      const memory = Buffer.from(numberedBlock(1, 100_000).bytes)
      lend(memory, () => given.push(what))
      await fanOut.write([{ ...numberedBlock(1, 100_000), bytes: memory }])
      await fanOut.finish().catch(() => {})
    }

    assert.deepEqual(given, ['alone'])
  })
})
