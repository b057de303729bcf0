import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { simulateDrain } from './drains.ts'

describe('drains in simulated worlds', () => {
  for (const from of [1, 6]) {
    it(`leave every pin on its minimum of peers at every instant, whatever dies or is cut off, and end (seeds ${from} to ${from + 4})`, async () => {
      let moved = 0
      for (let seed = from; seed < from + 5; seed++) {
        const result = await simulateDrain(seed)
        moved += result.moved
        assert.deepEqual(result.faults, [], `npm run test:sim -- --drains --seeds 1 --from ${seed}`)
      }
      assert.ok(moved > 5, `${moved} pins moved`)
    })
  }

  it('do so with seeds that once failed: a power cut took from a new holder what it had merged, and it let go of the item', async () => {
    for (const seed of [1029, 1103, 1129]) {
      assert.deepEqual((await simulateDrain(seed)).faults, [], `npm run test:sim -- --drains --seeds 1 --from ${seed}`)
    }
  })
})
