import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { DigestTable } from '../../../../src/ipfs/compact-denylist/digest-table.ts'
import { quietMs } from '../../../support/poll.ts'

const digestOf = (n: number): Uint8Array => createHash('sha256').update(String(n)).digest()

describe('a table of digests', { timeout: quietMs(10_000) }, () => {
  it('keeps what it was given through all its growing, the last value of each', async () => {
    const table = new DigestTable()
    const count = 20_000
    for (let n = 0; n < count; n++) table.set(digestOf(n), n + 1)
    for (let n = 0; n < count; n += 7) table.set(digestOf(n), n + 2)
    await table.finish()

    assert.equal(table.size, count)
    for (let n = 0; n < count; n++) assert.equal(table.get(digestOf(n)), n % 7 === 0 ? n + 2 : n + 1)
    for (let n = count; n < count + 1000; n++) assert.equal(table.get(digestOf(n)), 0)
    assert.ok(table.sizeBytes < count * 20 * 1.6, String(table.sizeBytes))
  })

  it('leaves others their turn when it is finished', async () => {
    const table = new DigestTable()
    for (let n = 0; n < 2000; n++) table.set(digestOf(n), 1)
    let turns = 0
    let isOver = false
    const turn = (): void => {
      turns++
      if (!isOver) setImmediate(turn)
    }
    setImmediate(turn)
    await table.finish()
    isOver = true

    assert.ok(turns >= 10, String(turns))
  })

  it('knows nothing when it is empty, finished or not', async () => {
    const table = new DigestTable()

    assert.equal(table.get(digestOf(1)), 0)
    await table.finish()
    assert.deepEqual([table.get(digestOf(1)), table.size, table.sizeBytes], [0, 0, 0])
  })
})
