import assert from 'node:assert/strict'
import { setImmediate as nextTick } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { Semaphore } from '../../../src/base/semaphore.ts'

describe('a semaphore', () => {
  it('lets so many in at a time, and the others in their order', async () => {
    const semaphore = new Semaphore(2)
    const begun: number[] = []
    const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>())

    const all = ends.map(async ({ promise }, at) => semaphore.run(async () => { begun.push(at); await promise }))
    const atFirst = [[...begun], semaphore.waiting]
    ends[1]?.resolve()
    await nextTick()
    const then = [[...begun], semaphore.waiting]
    for (const { resolve } of ends) resolve()
    await Promise.all(all)

    assert.deepEqual([atFirst, then, begun], [[[0, 1], 2], [[0, 1, 2], 1], [0, 1, 2, 3]])
  })

  it('forgets who gives up while waiting, and gives the slot of a failure on', async () => {
    const semaphore = new Semaphore(1)
    const controller = new AbortController()
    const reason = new Error('gone')
    const held = Promise.withResolvers<never>()

    const failing = assert.rejects(semaphore.run(async () => held.promise), { message: 'broken' })
    const givenUp = assert.rejects(semaphore.run(async () => {}, controller.signal), reason)
    const last = semaphore.run(async () => 'done')
    controller.abort(reason)
    held.reject(new Error('broken'))

    await Promise.all([failing, givenUp])
    assert.deepEqual([await last, semaphore.waiting], ['done', 0])
    const busy = semaphore.run(async () => nextTick())
    await assert.rejects(semaphore.run(async () => {}, AbortSignal.abort(reason)), reason)
    await busy
  })
})
