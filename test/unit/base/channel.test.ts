import assert from 'node:assert/strict'
import { setImmediate as nextTick } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { Channel } from '../../../src/base/channel.ts'

/** Whether a push has room by now. */
async function isThrough (wait: Promise<void> | undefined): Promise<boolean> {
  let isDone = wait == null
  void wait?.then(() => { isDone = true })
  await nextTick()
  return isDone
}

describe('a channel', () => {
  it('lets the writer wait above the window until the reader asks for more', async () => {
    const channel = new Channel<string>(2)
    const reader = channel[Symbol.asyncIterator]()

    const first = channel.push('a', 2)
    const second = channel.push('b', 1)
    const before = await isThrough(second)
    await reader.next()
    const held = await isThrough(second)
    await reader.next()
    const after = await isThrough(second)

    assert.deepEqual([first, before, held, after], [undefined, false, false, true])
  })

  it('gives all that was sent before its end', async () => {
    const channel = new Channel<number>(100)
    for (const item of [1, 2, 3]) void channel.push(item, 1)
    channel.end()

    assert.deepEqual(await Array.fromAsync(channel), [1, 2, 3])
  })

  it('gives the reader what the writer failed with, and nothing of what waits', async () => {
    const channel = new Channel<number>(100)
    void channel.push(1, 1)
    channel.end({ err: new Error('cut off') })

    await assert.rejects(Array.fromAsync(channel), /cut off/)
  })

  it('lets the writer on and drops its items when the reader leaves', async () => {
    const channel = new Channel<number>(1)
    const wait = channel.push(1, 5)
    for await (const _ of channel) break

    assert.deepEqual([await isThrough(wait), channel.push(2, 5)], [true, undefined])
  })

  it('throws what the reader failed with at the writer, also at one that waits', async () => {
    const channel = new Channel<number>(1)
    const waiting = assert.rejects(Promise.resolve(channel.push(1, 5)), /disk full/)
    channel.close({ err: new Error('disk full') })

    await waiting
    assert.throws(() => channel.push(2, 1), /disk full/)
  })
})
