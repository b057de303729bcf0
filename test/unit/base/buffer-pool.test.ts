import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BufferPool } from '../../../src/base/buffer-pool.ts'
import { giveBack } from '../../../src/base/lent-memory.ts'
import { SimClock } from '../../support/sim-clock.ts'

const kib = 1024
const poolOf = (clock = new SimClock()): BufferPool =>
  new BufferPool({ keepBytes: 200 * kib, largestBytes: 256 * kib, idleMs: 1000 }, { clock })

describe('the buffer pool', () => {
  it('gives the same memory again, for sizes that are about the same', () => {
    const pool = poolOf()
    const first = pool.allocate(100_000)
    pool.release(first.subarray(10, 20))

    assert.equal(pool.allocate(99_990).buffer, first.buffer)
    assert.notEqual(pool.allocate(99_990).buffer, first.buffer)
  })

  it('takes back only what it gave, and only once', () => {
    const pool = poolOf()
    const own = pool.allocate(64 * kib)

    pool.release(Buffer.allocUnsafeSlow(64 * kib))
    pool.release(own)
    pool.release(own)
    assert.equal(pool.freeBytes, 64 * kib)
  })

  it('leaves small and very large ones to Node', () => {
    const pool = poolOf()

    pool.release(pool.allocate(32 * kib - 1))
    pool.release(pool.allocate(256 * kib + 1))
    assert.equal(pool.freeBytes, 0)
    pool.release(pool.allocate(32 * kib))
    assert.equal(pool.freeBytes, 32 * kib)
  })

  it('gets memory back that was lent in pieces, and lends it again', () => {
    const pool = poolOf()
    const first = pool.lend(100_000)
    giveBack(first.subarray(0, 60_000))
    assert.equal(pool.freeBytes, 0)
    giveBack(first.subarray(60_000))

    const second = pool.lend(99_999)
    assert.deepEqual([second.length, second.buffer === first.buffer], [99_999, true])
    const small = pool.lend(1000)
    giveBack(small)
    assert.deepEqual([small.length, pool.freeBytes], [1000, 0])
  })

  it('keeps no more than it may', () => {
    const pool = poolOf()
    const all = Array.from({ length: 5 }, () => pool.allocate(50 * kib))

    for (const one of all) pool.release(one)
    assert.equal(pool.freeBytes, 3 * 64 * kib)
  })

  it('keeps the sizes that are used now, not those that were', () => {
    const pool = poolOf()
    const before = [64, 64, 64].map(size => pool.allocate(size * kib))
    for (const one of before) pool.release(one)
    const now = pool.allocate(128 * kib)

    pool.release(now)

    assert.equal(pool.freeBytes, 192 * kib)
    assert.equal(pool.allocate(128 * kib).buffer, now.buffer)
  })

  it('gives up what nobody asks for', async () => {
    const clock = new SimClock()
    const pool = poolOf(clock)
    pool.release(pool.allocate(64 * kib))

    await clock.advance(999)
    assert.equal(pool.freeBytes, 64 * kib)
    await clock.advance(1)
    assert.equal(pool.freeBytes, 0)
    assert.equal(clock.pending, 0)
  })
})
