import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import { EventRing } from '../../../src/events/event-ring.ts'
import type { EventBatch } from '../../../src/events/events.ts'
import { oldestPlace } from '../../../src/events/events.ts'
import { SimClock } from '../../support/sim-clock.ts'

function ringOf ({ maxEvents = 10, maxReaders = 10, prefix = '' } = {}) {
  const clock = new SimClock()
  const ring = new EventRing({ maxEvents, maxReaders, prefix }, { clock })
  return { clock, ring }
}

/** What one reader has got so far. */
function reading (ring: EventRing, after?: string) {
  const end = new AbortController()
  const batches: EventBatch[] = []
  const done = (async () => { for await (const batch of ring.follow({ after, signal: end.signal })) batches.push(batch) })()
  return { batches, types: () => batches.flatMap(({ events }) => events.map(({ type }) => type)), end: () => end.abort(), done }
}

describe('a log of events', () => {
  it('tells at once where its reader is, and then what happens', async () => {
    const { clock, ring } = ringOf()
    ring.add('before', {})
    const reader = reading(ring)
    await clock.settle()

    ring.add('first', {})
    ring.add('second', {})
    await clock.advance(30)

    assert.deepEqual(reader.batches[0], { events: [], missed: false, last: '1', hasMore: false, place: 1 })
    assert.deepEqual(reader.types(), ['first', 'second'])
  })

  it('gives who comes back what came meanwhile, each event once', async () => {
    const { clock, ring } = ringOf()
    for (const type of ['a', 'b', 'c']) ring.add(type, {})
    const reader = reading(ring, '1')
    await clock.settle()
    ring.add('d', {})
    await clock.advance(30)

    assert.deepEqual(reader.types(), ['b', 'c', 'd'])
    assert.deepEqual(reader.batches.map(({ missed }) => missed), [false, false])
  })

  it('gives all that it still has to who asks for it', async () => {
    const { clock, ring } = ringOf({ maxEvents: 3 })
    for (const type of ['a', 'b', 'c', 'd', 'e']) ring.add(type, {})
    const reader = reading(ring, oldestPlace)
    await clock.settle()

    assert.deepEqual(reader.types(), ['c', 'd', 'e'])
    assert.equal(reader.batches[0]?.missed, false)
  })

  it('tells who was away for too long that something is gone', async () => {
    const { clock, ring } = ringOf({ maxEvents: 3 })
    for (const type of ['a', 'b', 'c', 'd', 'e']) ring.add(type, {})
    const reader = reading(ring, '1')
    await clock.settle()

    assert.deepEqual([reader.types(), reader.batches[0]?.missed], [['c', 'd', 'e'], true])
  })

  it('takes no place of another log for one of its own', async () => {
    const { clock, ring } = ringOf({ prefix: 'x.' })
    ring.add('a', {})
    for (const strange of ['y.1', '1', 'x.7', 'x.', 'x.-1', 'x.1e1', '', 'x.99999999999999999999']) {
      const reader = reading(ring, strange)
      await clock.settle()
      assert.deepEqual([reader.batches[0]?.missed, reader.batches[0]?.last], [true, 'x.1'], strange)
    }
    const known = reading(ring, 'x.1')
    await clock.settle()
    assert.equal(known.batches[0]?.missed, false)
  })

  it('keeps nothing for a reader that stands still, and tells it so', async () => {
    const { clock, ring } = ringOf({ maxEvents: 5 })
    const end = new AbortController()
    const slow = ring.follow({ signal: end.signal })
    await slow.next()

    for (let n = 0; n < 1000; n++) ring.add(`e${n}`, {})
    await clock.advance(100)
    const { value } = await slow.next()

    assert.deepEqual([value?.missed, value?.events.map(({ type }) => type)], [true, ['e995', 'e996', 'e997', 'e998', 'e999']])
  })

  it('gathers what comes quickly, longer for many readers', async () => {
    const { clock, ring } = ringOf({ maxReaders: 500, maxEvents: 1000 })
    const readers = Array.from({ length: 400 }, () => reading(ring))
    await clock.settle()
    for (let n = 0; n < 100; n++) {
      ring.add('tick', {})
      await clock.advance(10)
    }
    await clock.advance(1000)

    assert.equal(readers[0]?.types().length, 100)
    assert.ok((readers[0]?.batches.length ?? 0) <= 6, `${readers[0]?.batches.length} batches in a second`)
    assert.ok(readers.every(({ batches }) => batches.at(-1) === readers[0]?.batches.at(-1)), 'all get the same object')
  })

  it('gives a first event after a quiet time at once', async () => {
    const { clock, ring } = ringOf()
    const reader = reading(ring)
    await clock.advance(5000)

    ring.add('now', {})
    await clock.advance(0)

    assert.deepEqual(reader.types(), ['now'])
  })

  it('makes what an event tells only when somebody reads it', async () => {
    const { clock, ring } = ringOf()
    let made = 0
    ring.add('lazy', () => ({ n: ++made }))
    assert.equal(made, 0)

    const first = reading(ring, oldestPlace)
    const second = reading(ring, oldestPlace)
    await clock.settle()

    assert.deepEqual([first, second].map(({ batches }) => batches[0]?.events[0]?.data), [{ n: 1 }, { n: 1 }])
  })

  it('has a limit of readers, and room again when one goes', async () => {
    const { clock, ring } = ringOf({ maxReaders: 1 })
    const reader = reading(ring)
    await clock.settle()

    await assert.rejects(ring.follow({ signal: new AbortController().signal }).next(), err => isClusterError(err, 'RATE_LIMITED'))
    reader.end()
    await reader.done

    assert.equal(ring.readers, 0)
    assert.equal((await ring.follow({ signal: new AbortController().signal }).next()).done, false)
  })

  it('ends all readers when it is closed', async () => {
    const { clock, ring } = ringOf()
    const readers = [reading(ring), reading(ring)]
    await clock.settle()

    ring.close()

    await Promise.all(readers.map(({ done }) => done))
  })

  it('leaves no timer and nobody waiting behind', async () => {
    const { clock, ring } = ringOf({ maxReaders: 5000 })
    for (let n = 0; n < 1000; n++) {
      const reader = reading(ring)
      await clock.settle()
      reader.end()
      await reader.done
    }
    ring.add('unheard', {})

    assert.equal(clock.pending, 0)
  })

  it('takes numbers from elsewhere: none twice, and a gap is missed by all', async () => {
    const { clock, ring } = ringOf()
    const reader = reading(ring)
    await clock.settle()
    ring.put(1, { at: 1, type: 'a', data: {} })
    ring.put(1, { at: 1, type: 'again', data: {} })
    await clock.advance(50)
    ring.put(7, { at: 7, type: 'g', data: {} })
    await clock.advance(50)

    assert.deepEqual(reader.types(), ['a', 'g'])
    assert.deepEqual(reader.batches.map(({ missed }) => missed), [false, false, true])
    assert.equal(reader.batches.at(-1)?.last, '7')
  })
})
