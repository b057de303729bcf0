import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { simulateSilentDifference } from './pinsets.ts'

describe('the watch over pinsets, in simulated clusters', () => {
  // that it tells nobody of healthy peers is looked at in every simulated world
  it('tells of each silent difference within two intervals', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const { faults, alarmMs = Infinity, intervalMs } = await simulateSilentDifference(seed)

      assert.deepEqual(faults, [], `seed ${seed}`)
      assert.ok(alarmMs <= 2 * intervalMs, `npm run test:sim -- --silent --seeds 1 --from ${seed}`)
    }
  })
})
