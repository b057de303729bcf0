import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { simulateLargeDrain } from './large-drains.ts'

describe('drains of peers with many pins, in light worlds', () => {
  it('leave every pin on its minimum of peers at every instant, whatever dies or is cut off, and end', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const { faults, losses } = await simulateLargeDrain(seed, { pins: 400 })
      assert.deepEqual(faults, [], `npm run test:sim -- --drains --seeds 1 --from ${seed} --held 400`)
      assert.ok(losses > 250, `${losses} copies were given up`)
    }
  })

  it('go the same way each time', async () => {
    const [one, other] = [await simulateLargeDrain(11, { pins: 100 }), await simulateLargeDrain(11, { pins: 100 })]

    assert.deepEqual(one, other)
  })
})
