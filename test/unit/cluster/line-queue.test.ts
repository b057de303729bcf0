import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { queryObjects } from 'node:v8'
import { LineQueue } from '../../../src/cluster/add/line-queue.ts'

describe('lines from the side', () => {
  it('come before items that came after them, and at the end nothing is missing', async () => {
    const queue = new LineQueue<string>()
    const items = (async function * () {
      yield 1
      queue.push('a')
      queue.push('b')
      yield 2
      await new Promise(resolve => setImmediate(resolve))
      queue.push('c')
    })()

    assert.deepEqual(await Array.fromAsync(queue.mixedInto(items)), [1, 'a', 'b', 2, 'c'])
  })

  it('come while the next item is waited for', async () => {
    const queue = new LineQueue<string>()
    const mixed = queue.mixedInto((async function * () { await new Promise<never>(() => {}) })())

    const first = mixed.next()
    queue.push('a')

    assert.deepEqual(await first, { value: 'a', done: false })
  })

  it('cost nothing that grows with the items between them', async () => {
    const queue = new LineQueue<string>()
    const mixed = queue.mixedInto((async function * () { for (let item = 0; ; item++) yield item })())
    process.removeAllListeners('warning') // queryObjects is experimental
    const promisesAfter = async (items: number): Promise<number> => {
      for (let item = 0; item < items; item++) await mixed.next()
      return queryObjects(Promise, { format: 'count' })
    }

    const few = await promisesAfter(10)
    const many = await promisesAfter(3000)

    assert.ok(many - few < 500, `${many - few} promises more`)
    await mixed.return(undefined)
  })
})
