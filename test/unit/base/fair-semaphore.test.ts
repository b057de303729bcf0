import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FairSemaphore } from '../../../src/base/fair-semaphore.ts'

/** Asks for places and notes who has got one. */
function asking (slots: FairSemaphore): {
  served: string[], give: (name: string) => Promise<void>, ask: (asker: string, name?: string) => Promise<void>
} {
  const served: string[] = []
  const releases = new Map<string, () => void>()
  const turn = async (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  return {
    served,
    ask: async (asker, name = asker) => {
      slots.take(asker).then(release => { served.push(name); releases.set(name, release) }).catch(() => {})
      await turn()
    },
    give: async name => {
      releases.get(name)?.()
      await turn()
    }
  }
}

describe('slots of a fair semaphore', () => {
  it('are given as long as there are some, and one that comes back goes to who waits', async () => {
    const { served, ask, give } = asking(new FairSemaphore({ count: 2, perAsker: 2 }))

    for (const name of ['one', 'two', 'three']) await ask(name)
    const before = [...served]
    await give('one')
    await give('one')

    assert.deepEqual([before, served], [['one', 'two'], ['one', 'two', 'three']])
  })

  it('refuse numbers that would let nobody in', () => {
    for (const init of [{ count: 0, perAsker: 1 }, { count: 1, perAsker: 0 }, { count: NaN, perAsker: 1 }, 1 as never, {} as never]) {
      assert.throws(() => new FairSemaphore(init), { code: 'INVALID_ARGUMENT' })
    }
  })

  it('leave places for others when one holds all that it may', async () => {
    const { served, ask } = asking(new FairSemaphore({ count: 3, perAsker: 2 }))

    for (const name of ['greedy 1', 'greedy 2', 'greedy 3']) await ask('greedy', name)
    await ask('modest')

    assert.deepEqual(served, ['greedy 1', 'greedy 2', 'modest'])
  })

  it('are given to the lines in turn', async () => {
    const { served, ask, give } = asking(new FairSemaphore({ count: 1, perAsker: 1 }))
    await ask('a', 'a1')
    for (const name of ['a2', 'a3']) await ask('a', name)
    for (const name of ['b1', 'b2']) await ask('b', name)

    for (const name of ['a1', 'a2', 'b1', 'a3']) await give(name)

    assert.deepEqual(served, ['a1', 'a2', 'b1', 'a3', 'b2'])
  })

  it('pass over a line whose asker holds all that it may', async () => {
    const { served, ask, give } = asking(new FairSemaphore({ count: 3, perAsker: 2 }))
    for (const [asker, name] of [['a', 'a1'], ['a', 'a2'], ['b', 'b1'], ['a', 'a3'], ['c', 'c1']] as const) await ask(asker, name)

    await give('b1')

    assert.deepEqual(served, ['a1', 'a2', 'b1', 'c1'])
  })
})
