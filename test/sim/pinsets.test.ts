import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { simulatePinsets } from './pinsets.ts'

describe('the watch over pinsets, in simulated clusters', () => {
  it('tells nobody of healthy peers, whatever the network does', async () => {
    for (let seed = 1; seed <= 6; seed++) assert.deepEqual((await simulatePinsets(seed, { silent: false })).alarms, [], `seed ${seed}`)
  })

  it('tells of each silent difference within two intervals', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const { alarmMs = Infinity, intervalMs } = await simulatePinsets(seed, { silent: true })
      assert.ok(alarmMs <= 2 * intervalMs, `seed ${seed}`)
    }
  })
})
