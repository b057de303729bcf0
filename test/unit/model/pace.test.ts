import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Pace } from '../../../src/model/pace.ts'

const limits = { atOnce: 1, maxPinsPerSecond: 0, maxBytesPerSecond: 0 }

describe('the pace of moves', () => {
  it('is free without limits', () => {
    const pace = new Pace(limits)
    pace.began(0)
    pace.arrived(1e12, 0)

    assert.equal(pace.waitMs(0), 0)
  })

  it('lets as many pins begin each second as it may, without making up for a pause', () => {
    const pace = new Pace({ ...limits, maxPinsPerSecond: 4 })
    const begun: number[] = []
    for (let now = 0; now < 3000; now += 10) {
      if ((now >= 1000 && now < 2000) || pace.waitMs(now) > 0) continue
      pace.began(now)
      begun.push(now)
    }

    assert.deepEqual(begun, [0, 250, 500, 750, 2000, 2250, 2500, 2750])
  })

  it('lets the next one wait until the bytes that came are paid for', () => {
    const pace = new Pace({ ...limits, maxBytesPerSecond: 1000 })
    pace.arrived(3000, 10_000)
    pace.arrived(2000, 11_000)

    assert.deepEqual([pace.waitMs(11_000), pace.waitMs(15_000)], [4000, 0])
  })

  it('never waits for more than a minute before it looks again', () => {
    const pace = new Pace({ ...limits, maxBytesPerSecond: 1 })
    pace.arrived(1e9, 0)

    assert.equal(pace.waitMs(0), 60_000)
  })
})
