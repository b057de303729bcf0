import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Metric } from '../../../../src/model/metric.ts'
import { MetricWindow } from '../../../../src/monitor/pubsub/metric-store.ts'

const metric = (n: number): Metric => ({
  name: 'ping', peer: 'a', value: String(n), expire: 0n, valid: true, weight: 0n, partitionable: false, receivedAt: 0n
})

function windowOf (count: number): MetricWindow {
  const window = new MetricWindow()
  for (let n = 1; n <= count; n++) window.add(metric(n))
  return window
}

describe('metric window', () => {
  it('has no latest metric while it is empty', () => {
    const window = windowOf(0)

    assert.equal(window.latest(), undefined)
    assert.deepEqual(window.all(), [])
  })

  it('gives the metrics newest first', () => {
    const window = windowOf(3)

    assert.equal(window.latest()?.value, '3')
    assert.deepEqual(window.all().map(one => one.value), ['3', '2', '1'])
  })

  for (const count of [25, 26, 49, 50, 51, 130]) {
    it(`keeps the last 25 of ${count}`, () => {
      const window = windowOf(count)

      assert.equal(window.latest()?.value, String(count))
      assert.deepEqual(window.all().map(one => Number(one.value)), Array.from({ length: 25 }, (_, n) => count - n))
    })
  }
})
