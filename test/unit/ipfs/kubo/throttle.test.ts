import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Throttle } from '../../../../src/ipfs/kubo/throttle.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const { signal } = new AbortController()

async function failing (times: number): Promise<{ throttle: Throttle, clock: SimClock }> {
  const clock = new SimClock()
  const throttle = new Throttle(clock)
  for (let n = 0; n < times; n++) throttle.unreachable()
  return { throttle, clock }
}

describe('the throttle of calls to Kubo', () => {
  it('lets the first ten failures pass at full speed', async () => {
    const { throttle, clock } = await failing(10)

    await throttle.turn(signal)
    await throttle.turn(signal)

    assert.equal(clock.pending, 0)
  })

  it('then allows one call a second', async () => {
    const { throttle, clock } = await failing(11)
    let passed = 0
    for (let n = 0; n < 3; n++) void throttle.turn(signal).then(() => { passed++ })

    const counts: number[] = []
    for (const ms of [0, 999, 1, 1000]) {
      await clock.advance(ms)
      counts.push(passed)
    }

    assert.deepEqual(counts, [1, 1, 2, 3])
  })

  it('ends with one success', async () => {
    const { throttle, clock } = await failing(20)

    throttle.reached()
    await throttle.turn(signal)
    await throttle.turn(signal)

    assert.equal(clock.pending, 0)
  })

  for (const wrongMs of [-3_600_000, 3_600_000]) {
    it(`allows one call a second, though the clock is set by ${wrongMs} ms meanwhile`, async () => {
      const { throttle, clock } = await failing(11)
      let passed = 0
      await throttle.turn(signal)
      clock.wrongMs = wrongMs
      for (let n = 0; n < 3; n++) void throttle.turn(signal).then(() => { passed++ })

      await clock.settle()
      const atOnce = passed
      await clock.advance(3000)

      assert.deepEqual([atOnce, passed], [0, 3])
    })
  }
})
