import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Heap } from '../../../../src/network/history/heap.ts'
import { SeededRandom } from '../../../support/sim-clock.ts'

describe('a heap', () => {
  it('gives its items in order, while more come', () => {
    const random = new SeededRandom(3)
    const heap = new Heap<number>((a, b) => a > b)
    const held: number[] = []

    for (let step = 0; step < 2000; step++) {
      if (random.float() < 0.6) {
        const item = Math.floor(random.float() * 100)
        heap.push(item)
        held.push(item)
      } else {
        held.sort((a, b) => a - b)
        assert.equal(heap.pop(), held.pop())
      }
    }

    assert.deepEqual(held.map(() => heap.pop()), held.toSorted((a, b) => b - a))
    assert.equal(heap.pop(), undefined)
  })
})
