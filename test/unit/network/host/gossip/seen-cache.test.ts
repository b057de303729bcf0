import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BoundedSeenCache } from '../../../../../src/network/host/gossip/seen-cache.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

describe('seen messages', () => {
  it('are known for their time', async () => {
    const clock = new SimClock()
    const cache = new BoundedSeenCache({ ttlMs: 1000, entries: 10 }, clock)
    cache.put('a')
    await clock.advance(600)
    cache.put('b')

    await clock.advance(600)
    cache.prune()

    assert.deepEqual(['a', 'b'].map(id => cache.has(id)), [false, true])
    assert.equal(cache.put('b'), true)
  })

  it('stay few however many come', () => {
    const cache = new BoundedSeenCache({ ttlMs: 1000, entries: 10 }, new SimClock())

    for (let id = 0; id < 1000; id++) cache.put(`${id}`)

    assert.equal(cache.size, 10)
    assert.equal(cache.has('999'), true)
  })

  for (const wrongMs of [-3_600_000, 3_600_000]) {
    it(`are known for their time, though the clock is set by ${wrongMs} ms meanwhile`, async () => {
      const clock = new SimClock()
      const cache = new BoundedSeenCache({ ttlMs: 1000, entries: 10 }, clock)
      cache.put('a')
      clock.wrongMs = wrongMs

      cache.prune()
      const before = cache.has('a')
      await clock.advance(1001)
      cache.prune()

      assert.deepEqual([before, cache.has('a')], [true, false])
    })
  }
})
