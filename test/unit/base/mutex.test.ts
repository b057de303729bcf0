import assert from 'node:assert/strict'
import { setImmediate as nextTick } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { KeyedMutex, Mutex } from '../../../src/base/mutex.ts'

/** Work that notes when it begins and ends by itself when it is told to. */
function noted (): { log: string[], work: (name: string) => () => Promise<string>, end: (name: string, err?: Error) => Promise<void> } {
  const log: string[] = []
  const ends = new Map<string, { resolve: (name: string) => void, reject: (err: Error) => void }>()
  return {
    log,
    work: name => async () => {
      log.push(name)
      return new Promise((resolve, reject) => { ends.set(name, { resolve, reject }) })
    },
    end: async (name, err) => {
      if (err == null) ends.get(name)?.resolve(name)
      else ends.get(name)?.reject(err)
      await nextTick()
    }
  }
}

describe('a mutex', () => {
  it('runs one piece of work at a time, in the order of the calls, also behind one that fails', async () => {
    const { log, work, end } = noted()
    const mutex = new Mutex()

    const one = mutex.run(work('one'))
    const two = mutex.run(work('two'))
    const failed = assert.rejects(one, { message: 'broken' })
    await nextTick()
    const before = [...log]
    await end('one', new Error('broken'))
    const after = [...log]
    await end('two')

    await failed
    assert.deepEqual([before, after, await two], [['one'], ['one', 'two'], 'two'])
  })

  it('is held by who acquires it until that one releases it', async () => {
    const { log, work, end } = noted()
    const mutex = new Mutex()

    const release = await mutex.acquire()
    const behind = mutex.run(work('behind'))
    await nextTick()
    const whileHeld = [...log]
    release()
    await nextTick()
    await end('behind')

    assert.deepEqual([whileHeld, await behind], [[], 'behind'])
  })

  it('is idle when all work has ended', async () => {
    const { work, end } = noted()
    const mutex = new Mutex()
    let isIdle = false

    const running = mutex.run(work('one'))
    const idle = mutex.idle().then(() => { isIdle = true })
    await nextTick()
    const early = isIdle
    await end('one')
    await Promise.all([running, idle])

    assert.equal(early, false)
  })
})

describe('a mutex for each key', () => {
  it('runs the work of one key in order, and beside that of others', async () => {
    const { log, work, end } = noted()
    const mutex = new KeyedMutex<string>()

    const all = [mutex.run('a', work('a1')), mutex.run('a', work('a2')), mutex.run('b', work('b1'))]
    await nextTick()
    const first = [...log]
    for (const name of ['b1', 'a1', 'a2']) await end(name)

    assert.deepEqual([first, await Promise.all(all)], [['a1', 'b1'], ['a1', 'a2', 'b1']])
  })
})
