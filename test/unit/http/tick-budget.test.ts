import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TickBudget } from '../../../src/http/answer/tick-budget.ts'
import { quietMs } from '../../support/poll.ts'

describe('ticks of the event loop', { timeout: quietMs(5000) }, () => {
  const nextTurn = async (): Promise<void> => new Promise(resolve => setImmediate(resolve))

  it('lets so much through at once and the rest in later turns, in order', async () => {
    const tickBudget = new TickBudget(10)
    const through: number[] = []
    for (let at = 0; at < 5; at++) {
      const turn = tickBudget.take(new Uint8Array(5))
      if (turn == null) through.push(at)
      else void turn.then(() => { through.push(at) })
    }
    const seen = [[...through]]
    for (let turn = 0; turn < 2; turn++) {
      await nextTurn()
      seen.push([...through])
    }

    assert.deepEqual(seen, [[0, 1], [0, 1, 2, 3], [0, 1, 2, 3, 4]])
  })

  it('counts text for more, because it is made here', () => {
    const tickBudget = new TickBudget(32)

    const waits = [tickBudget.take('a'), tickBudget.take(new Uint8Array(1)), tickBudget.take('b')]
    assert.deepEqual(waits, [undefined, undefined, undefined])
    assert.notEqual(tickBudget.take(new Uint8Array(1)), undefined)
  })

  it('starts anew in each turn', async () => {
    const tickBudget = new TickBudget(10)
    for (let turn = 0; turn < 3; turn++) {
      assert.equal(tickBudget.take(new Uint8Array(100)), undefined)
      await nextTurn()
    }
  })

  it('gives the event loop its turn however fast many write', async () => {
    const tickBudget = new TickBudget(10)
    let isOver = false
    let writes = 0
    const writer = async (): Promise<void> => {
      while (!isOver && writes < 10_000) {
        await tickBudget.take(new Uint8Array(5))
        writes++
      }
    }
    const all = Promise.all(Array.from({ length: 20 }, writer))
    await nextTurn()
    isOver = true
    await all

    assert.ok(writes < 100, `${writes} writes`)
  })
})
