import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Informer } from '../../src/informer/informer.ts'
import { nanoseconds } from '../../src/model/metric.ts'
import type { SimClock } from '../support/sim-clock.ts'

/** An informer in a state in which it has something valid to say. */
export interface InformerHarness {
  informer: Informer
  clock: SimClock
  /** Makes what it measures unreachable; absent when nothing can be. */
  breakSource?: () => void
}

/** What every informer promises. */
export function informerContract (name: string, open: () => InformerHarness): void {
  const self = '12D3KooWSelf'

  describe(`informer contract: ${name}`, () => {
    it('measures for the peer that asks, valid for its ttl from now', async () => {
      const { informer, clock } = open()
      await clock.advance(1234)

      const metrics = await informer.metrics(self)

      assert.ok(metrics.length > 0)
      for (const metric of metrics) {
        assert.equal(metric.peer, self)
        assert.equal(metric.expire, nanoseconds(clock.now() + informer.ttlMs))
        assert.ok(metric.valid)
        assert.notEqual(metric.name, '')
      }
    })

    it('measures anew each time', async () => {
      const { informer, clock } = open()
      const [first] = await informer.metrics(self)
      await clock.advance(1000)

      const [second] = await informer.metrics(self)

      assert.equal((second?.expire ?? 0n) - (first?.expire ?? 0n), 1_000_000_000n)
    })

    it('does not reject when its source is away', async () => {
      const { informer, breakSource } = open()
      breakSource?.()

      await assert.doesNotReject(informer.metrics(self))
    })
  })
}
