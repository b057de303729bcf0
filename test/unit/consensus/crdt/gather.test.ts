import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { gathered } from '../../../../src/consensus/crdt/gather.ts'

const weightless = { maxWeight: 10, weight: () => 1 }

/** Single numbers; counts how many were read. */
function numbers (count: number, fault?: Error): { source: AsyncIterable<number[]>, read: () => number } {
  let read = 0
  return {
    read: () => read,
    source: (async function * () {
      for (let at = 0; at < count; at++) {
        read++
        yield [at]
      }
      if (fault != null) throw fault
    })()
  }
}

describe('gathering batches', () => {
  it('gives everything in order, in larger batches while the reader is busy', async () => {
    const { source } = numbers(100)
    const batches: number[][] = []

    for await (const batch of gathered(source, weightless)) {
      batches.push(batch)
      await nextTurn()
    }

    assert.deepEqual(batches.flat(), Array.from({ length: 100 }, (_, at) => at))
    assert.ok(batches.length < 20, `${batches.length} batches`)
  })

  it('reads no further ahead than it may', async () => {
    const { source, read } = numbers(1000)
    const reader = gathered(source, weightless)

    await reader.next()
    for (let turn = 0; turn < 20; turn++) await nextTurn()

    assert.ok(read() <= 12, `${read()} were read`)
    await reader.return(undefined)
  })

  it('gives what came before an error, and then the error', async () => {
    const fault = new Error('cut off')
    const { source } = numbers(5, fault)
    const got: number[] = []

    await assert.rejects(
      async () => { for await (const batch of gathered(source, weightless)) got.push(...batch) }, error => error === fault
    )

    assert.deepEqual(got, [0, 1, 2, 3, 4])
  })

  it('stops reading when the reader leaves', async () => {
    const { source, read } = numbers(1000)

    for await (const batch of gathered(source, weightless)) if (batch.length > 0) break
    for (let turn = 0; turn < 20; turn++) await nextTurn()

    assert.ok(read() <= 12)
  })
})
