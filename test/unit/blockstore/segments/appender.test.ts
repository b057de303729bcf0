import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Appender } from '../../../../src/blockstore/segments/appender.ts'
import type { BlockIndex } from '../../../../src/blockstore/segments/block-index.ts'
import type { SegmentFolder } from '../../../../src/blockstore/segments/segment-folder.ts'
import { recordLength } from '../../../../src/blockstore/segments/record.ts'
import { quietMs } from '../../../support/poll.ts'

const multihash = Uint8Array.of(0x12, 4, 1, 2, 3, 4)
const blocksOf = (count: number, sizeBytes = 1) => Array.from({ length: count }, () => ({ multihash, bytes: new Uint8Array(sizeBytes) }))
const overheadBytes = recordLength(multihash.length, 0)

/** An appender whose writes are counted; `blocks`: how many blocks each of them entered in the index. */
function appender (groupBytes = 4 * 1024 * 1024): { appender: Appender, blocks: number[], written: () => number } {
  const blocks: number[] = []
  let bytes = 0
  let entered = 0
  const index = {
    write: async (build: (change: unknown) => void) => {
      entered = 0
      build({ setSegment: () => {} })
      if (entered > 0) blocks.push(entered)
    }
  } as unknown as BlockIndex
  const file = { write: async (buffers: Uint8Array[]) => { for (const { length } of buffers) bytes += length } }
  const folder = {
    create: async () => {}, use: async (_id: number, work: (one: unknown) => Promise<unknown>) => work(file)
  } as unknown as SegmentFolder
  const it = new Appender({ segmentBytes: 2 ** 30, groupBytes, folder: '/f' }, { index, folder })
  const append = it.append.bind(it)
  it.append = async job => append({ ...job, apply: (_change, places) => { entered += places.length } })
  return { appender: it, blocks, written: () => bytes }
}

const nothing = (): void => {}

describe('blocks that are appended in one go', { timeout: quietMs(5000) }, () => {
  it('are 4096, of as many callers as fit; the next ones go behind them', async () => {
    const { appender: one, blocks } = appender()

    await Promise.all([4000, 96, 1, 4095, 1, 5000, 1].map(async count => one.append({ blocks: blocksOf(count), apply: nothing })))

    // one caller's blocks stay together, however many there are
    assert.deepEqual(blocks, [4096, 4096, 1, 5000, 1])
  })

  it('have 4 MiB with their headers, and not a byte more', async () => {
    const groupBytes = 4 * 1024 * 1024
    const { appender: one, blocks } = appender(groupBytes)
    const half = groupBytes / 2 - overheadBytes

    await Promise.all(
      [half, half, half, half + 1, groupBytes].map(async sizeBytes => one.append({ blocks: blocksOf(1, sizeBytes), apply: nothing }))
    )

    assert.deepEqual(blocks, [2, 1, 1, 1])
  })

  it('may not be more than a segment file can hold: that is refused, and nothing is written', async () => {
    const { appender: one, blocks, written } = appender()
    // a length alone: nobody looks at the bytes before they are counted
    const ofLength = (length: number) => [{ multihash, bytes: { length } as unknown as Uint8Array }]

    await assert.rejects(
      one.append({ blocks: ofLength(2 ** 31 - overheadBytes + 1), apply: nothing }),
      { code: 'INVALID_ARGUMENT', message: 'too many bytes in one put' }
    )

    assert.deepEqual([blocks, written()], [[], 0])
  })
})
