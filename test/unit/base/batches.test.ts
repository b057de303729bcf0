import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { batchesOf, inBatches } from '../../../src/base/batches.ts'

const five = [1, 2, 3, 4, 5]
async function * oneByOne (): AsyncGenerator<number> { yield * five }

describe('batches', () => {
  it('are of the same size but for the last one, whatever the entries come from', async () => {
    const ofList = [...batchesOf(five, 2)]
    const ofSet = [...batchesOf(new Set(five), 2)]
    const ofStream = await Array.fromAsync(inBatches(oneByOne(), 2))

    for (const batches of [ofList, ofSet, ofStream]) assert.deepEqual(batches, [[1, 2], [3, 4], [5]])
  })

  it('have no empty one at the end', async () => {
    assert.deepEqual([...batchesOf(new Set([1, 2]), 2)], [[1, 2]])
    assert.deepEqual(await Array.fromAsync(inBatches(oneByOne(), 5)), [five])
    assert.deepEqual([...batchesOf([], 2)], [])
  })
})
