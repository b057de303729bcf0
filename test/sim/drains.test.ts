import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { simulateDrain } from './drains.ts'

describe('drains in simulated worlds', () => {
  it('leave every pin on its minimum of peers at every instant, whatever dies or is cut off, and end (seeds 1 to 20)', async () => {
    let moved = 0
    for (let seed = 1; seed <= 20; seed++) {
      const result = await simulateDrain(seed)
      moved += result.moved
      assert.deepEqual(result.faults, [], `npm run test:sim -- --drains --seeds 1 --from ${seed}`)
    }
    assert.ok(moved > 50, `${moved} pins moved`)
  })

  it('do so with seeds that once failed: a power cut took from a new holder what it had merged, and it let go of the item', async () => {
    for (const seed of [1029, 1103, 1129]) assert.deepEqual((await simulateDrain(seed)).faults, [], `npm run test:sim -- --drains --seeds 1 --from ${seed}`)
  })
})
