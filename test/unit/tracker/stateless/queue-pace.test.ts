import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { QueuePace } from '../../../../src/tracker/stateless/queue-pace.ts'

describe('the pace of a queue', () => {
  it('is not known before some pins have ended', () => {
    const pace = new QueuePace()
    for (let at = 0; at < 7; at++) pace.ended(at * 1000, true)

    assert.equal(pace.waitMs(5, 7000), undefined)
  })

  it('is so many pins in so much time: one a second here', () => {
    const pace = new QueuePace()
    for (let at = 0; at <= 1000; at++) pace.ended(at * 1000, true)

    assert.deepEqual([pace.waitMs(1, 1_000_000), pace.waitMs(60, 1_000_000)], [1000, 60_000])
  })

  it('gets slower while nothing ends', () => {
    const pace = new QueuePace()
    for (let at = 0; at <= 10; at++) pace.ended(at * 1000, true)

    assert.ok((pace.waitMs(1, 100_000) ?? 0) >= 10_000)
  })

  it('is forgotten when nobody waits: what passes until the next one comes is no wait', () => {
    const pace = new QueuePace()
    for (let at = 0; at < 20; at++) pace.ended(at * 1000, true)
    pace.ended(20_000, false)
    for (let at = 0; at < 8; at++) pace.ended(9_000_000 + at * 100, true)

    assert.equal(pace.waitMs(1, 9_000_700), 100)
  })
})
