import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { QuickReads, usualQuickReads } from '../../../../src/blockstore/segments/quick-reads.ts'

/** Reads that take so long; how each was made. */
function reads (hasOthers = true) {
  let now = 0
  const made: string[] = []
  const quick = new QuickReads(usualQuickReads, { time: () => now, hasOthers: () => hasOthers })
  const read = (ms: number): void => {
    void quick.run(() => { now += ms; made.push('at once') }, async () => { made.push('in the pool') })
  }
  return { read, made, pass: (ms: number) => { now += ms } }
}

describe('reads without a detour', () => {
  it('are made as long as the disk answers at once', () => {
    const { read, made } = reads()

    for (const ms of [0.1, 4.9, 0.2]) read(ms)

    assert.deepEqual(made, ['at once', 'at once', 'at once'])
  })

  it('are not made for one reader alone, for whom another thread can read while this one sends', () => {
    const { read, made } = reads(false)

    read(0.1)

    assert.deepEqual(made, ['in the pool'])
  })

  it('stop for twenty times as long as one had to be waited for', () => {
    const { read, made, pass } = reads()

    read(10)
    pass(189)
    read(0.1)
    pass(1)
    read(0.1)

    assert.deepEqual(made, ['at once', 'in the pool', 'at once'])
  })
})
