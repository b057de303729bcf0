import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Share } from '../../../src/base/shares.ts'
import { sharesMemory, sharesOf } from '../../../src/base/shares.ts'
import { BytesInFlight } from '../../../src/http/answer/bytes-in-flight.ts'
import type { Reader } from '../../../src/http/answer/bytes-in-flight.ts'
import { meteredSource } from '../../../src/http/answer/metered-source.ts'
import { SimClock } from '../../support/sim-clock.ts'

const never = new AbortController().signal

interface Told { reader: Reader, cut: boolean, pending: number }

interface ThreadFlow { flow: BytesInFlight, clock: SimClock, told: Told, reader: Reader }

function flowOf (maxBytes: number): { flow: BytesInFlight, clock: SimClock, reader: (pending?: number) => Told } {
  const clock = new SimClock()
  const flow = new BytesInFlight({ maxBytes, stalledMs: 5000 }, { clock })
  const reader = (pending = 0): Told => {
    const told: Told = { reader: flow.reader({ cut: () => { told.cut = true }, pending: () => told.pending }), cut: false, pending }
    return told
  }
  return { flow, clock, reader }
}

describe('bytes in flight', () => {
  it('gives room at once while there is some, n bytes and not n + 1', async () => {
    const { flow, reader } = flowOf(100)
    const [one, two] = [reader(), reader()]

    assert.equal(one.reader.take(60, never), undefined)
    assert.equal(two.reader.take(40, never), undefined)
    assert.equal(flow.bytes, 100)
    const waits = two.reader.take(1, never)
    assert.ok(waits instanceof Promise)
    one.reader.give(1)
    await waits
    assert.equal(flow.bytes, 100)
  })

  it('lets one answer alone have a piece that is larger than all room', () => {
    const { reader } = flowOf(100)

    assert.equal(reader().reader.take(1000, never), undefined)
  })

  it('serves those who wait in order', async () => {
    const { reader } = flowOf(100)
    const [holder, first, second] = [reader(), reader(), reader()]
    const order: string[] = []
    holder.reader.take(100, never)
    const waits = [
      first.reader.take(80, never)?.then(() => order.push('first')), second.reader.take(10, never)?.then(() => order.push('second'))
    ]

    holder.reader.give(15)
    await Promise.resolve()
    assert.deepEqual(order, [], 'the first is not overtaken by a smaller one')
    holder.reader.end()
    await Promise.all(waits)
    assert.deepEqual(order, ['first', 'second'])
  })

  it('refuses read-ahead beyond half of the room, and while others wait', () => {
    const { reader } = flowOf(100)
    const [one, two] = [reader(), reader()]

    assert.equal(one.reader.tryTake(50), true)
    assert.equal(one.reader.tryTake(1), false)
    one.reader.take(50, never)
    void two.reader.take(10, never)
    one.reader.give(60)
    one.reader.give(40)
    assert.equal(one.reader.tryTake(10), true, 'nobody waits any more')
  })

  it('ends who stands still while others wait, not who reads slowly', async () => {
    const { clock, reader } = flowOf(100)
    const [still, slow, next] = [reader(500), reader(500), reader()]
    still.reader.take(50, never)
    slow.reader.take(50, never)
    const waits = next.reader.take(50, never)

    for (let second = 0; second < 8; second++) {
      slow.pending--
      await clock.advance(1000)
    }
    await waits
    assert.equal(still.cut, true)
    assert.equal(slow.cut, false)
    assert.throws(() => still.reader.take(1, never), { code: 'TIMEOUT' })
  })

  it('ends nobody while there is room', async () => {
    const { clock, reader } = flowOf(100)
    const still = reader(500)
    still.reader.take(50, never)

    await clock.advance(60_000)
    assert.equal(still.cut, false)
    assert.equal(clock.pending, 0)
  })

  it('forgets who goes away while waiting', async () => {
    const { flow, reader } = flowOf(100)
    const [one, two] = [reader(), reader()]
    const abort = new AbortController()
    one.reader.take(100, never)
    const waits = two.reader.take(10, abort.signal)

    abort.abort(new Error('gone'))
    await assert.rejects(async () => waits, /gone/)
    two.reader.end()
    one.reader.end()
    assert.equal(flow.bytes, 0)
  })

  it('meters a source: at most one piece at a time, all given back at its end', async () => {
    const { flow, reader } = flowOf(2 ** 20)
    const seen: number[] = []

    const source = (async function * () { for (let at = 0; at < 4; at++) yield new Uint8Array(300_000) })()
    for await (const piece of meteredSource(source, reader().reader, { signal: never })) seen.push(flow.bytes - piece.length)

    assert.deepEqual(seen, [0, 0, 0, 0])
    assert.equal(flow.bytes, 0)
  })

  describe('over several threads', () => {
    const threads = () => {
      const memory = sharesMemory(2, 2)
      const clock = new SimClock()
      return [0, 1].map(thread => {
        const [bytes, waiting] = sharesOf({ memory, figures: 2, thread }) as [Share, Share]
        const flow = new BytesInFlight({ maxBytes: 100 * 1024, stalledMs: 5000 }, { clock, shares: { bytes, waiting } })
        const told: Told = { reader: flow.reader({ cut: () => { told.cut = true }, pending: () => told.pending }), cut: false, pending: 0 }
        return { flow, clock, told, reader: told.reader }
      }) as [ThreadFlow, ThreadFlow]
    }

    it('is bounded together, and what one gives back another takes', async () => {
      const [one, two] = threads()

      assert.equal(one.reader.take(60 * 1024, never), undefined)
      assert.equal(two.reader.take(40 * 1024, never), undefined)
      const waits = two.reader.take(1024, never)
      one.reader.give(1024)
      await one.clock.advance(10)

      await waits
      assert.equal(one.flow.bytes + two.flow.bytes, 100 * 1024)
    })

    it('lets nobody overtake who waits in another thread, and ends who stands still there', async () => {
      const [one, two] = threads()
      one.reader.take(100 * 1024, never)
      one.told.pending = 10
      const waits = two.reader.take(1024, never)

      assert.equal(one.reader.tryTake(1), false)
      await one.clock.advance(8000)

      await waits
      assert.equal(one.told.cut, true)
      assert.equal(one.flow.bytes, 0)
    })
  })
})
