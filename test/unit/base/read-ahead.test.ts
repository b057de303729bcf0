import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { oneAhead, readAhead } from '../../../src/base/read-ahead.ts'

const init = { maxBytes: 10, sizeOf: (item: number) => item }

describe('read ahead', () => {
  it('gives in one batch what came while the last one was worked on', async () => {
    const batches: number[][] = []
    const source = async function * (): AsyncGenerator<number> { for (const item of [1, 2, 3, 4]) yield item }

    for await (const batch of readAhead(source(), init)) {
      batches.push(batch)
      await nextTurn()
    }

    assert.deepEqual(batches, [[1], [2, 3, 4]])
  })

  it('reads no further than allowed', async () => {
    let read = 0
    const source = async function * (): AsyncGenerator<number> { for (;;) { read++; yield 6 } }

    for await (const batch of readAhead(source(), init)) {
      await nextTurn()
      if (batch.length > 1) break
    }

    assert.ok(read <= 6, `${read} items were read`)
  })

  it('gives what came before a failure, then the failure', async () => {
    const given: number[] = []
    const source = async function * (): AsyncGenerator<number> { yield 1; yield 2; throw new Error('cut off') }

    await assert.rejects(async () => { for await (const batch of readAhead(source(), init)) given.push(...batch) }, /cut off/)

    assert.deepEqual(given, [1, 2])
  })

  it('ends the source when it is left', async () => {
    let isEnded = false
    const source = async function * (): AsyncGenerator<number> { try { for (;;) yield 6 } finally { isEnded = true } }

    for await (const _ of readAhead(source(), init)) break
    await nextTurn()

    assert.ok(isEnded)
  })
})

describe('one item ahead', () => {
  it('has asked for the next item when the last one is given', async () => {
    let asked = 0
    const source = async function * (): AsyncGenerator<number> { for (; asked < 3;) yield ++asked }
    const seen: Array<[item: number, asked: number]> = []

    for await (const item of oneAhead(source())) seen.push([item, asked])

    assert.deepEqual(seen, [[1, 2], [2, 3], [3, 3]])
  })

  it('gives what came before a failure, then the failure', async () => {
    const given: number[] = []
    const source = async function * (): AsyncGenerator<number> { yield 1; yield 2; throw new Error('cut off') }

    await assert.rejects(async () => { for await (const item of oneAhead(source())) given.push(item) }, /cut off/)

    assert.deepEqual(given, [1, 2])
  })

  it('ends the source when the loop is left, and nobody sees a failure that comes then', async () => {
    let isEnded = false
    const source = async function * (): AsyncGenerator<number> {
      try { yield 1; throw new Error('too late') } finally { isEnded = true }
    }

    for await (const _ of oneAhead(source())) break

    assert.equal(isEnded, true)
  })
})
