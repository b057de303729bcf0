import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gathered, inNextTick } from '../../../src/base/event-loop.ts'

/** How many ticks go by until it resolves, when each of the first `bringing` ones brings something. */
async function ticksUntilGathered (bringing: number): Promise<number> {
  let [came, ticks, isDone] = [1, 0, false]
  const tick = (): void => {
    if (isDone) return
    ticks++
    if (ticks <= bringing) came++
    inNextTick(tick)
  }
  inNextTick(tick)
  await gathered(() => came)
  isDone = true
  return ticks
}

describe('gathering for a group', () => {
  it('ends with the tick when nothing more comes', async () => {
    assert.equal(await ticksUntilGathered(0), 1)
  })

  it('goes on as long as each tick brings more, and ends at last when they never stop', async () => {
    assert.equal(await ticksUntilGathered(2), 3)
    assert.equal(await ticksUntilGathered(1000), 6)
  })
})
