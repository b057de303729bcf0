import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StreamMessage } from '../../../src/client/event-stream.ts'
import type { LiveNews } from '../../../src/web/data/live-reader.ts'
import { LiveReader } from '../../../src/web/data/live-reader.ts'
import { SimClock } from '../../support/sim-clock.ts'

const event = (id: string): StreamMessage => ({ kind: 'event', event: { id, type: 'pin.status', at: '', data: {} } })
const ready = (id: string | null = null, missed = false): StreamMessage => ({ kind: 'ready', id, missed })

/** Streams by script: a list of messages and how they end; without an end they stay open. */
type Script = { messages: StreamMessage[], ends?: boolean } | { status: number }

function reading (scripts: Script[]) {
  const clock = new SimClock()
  const news: LiveNews[] = []
  const asked: Array<{ after: string | undefined, at: number }> = []
  const end = new AbortController()
  const began = clock.now()
  const reader = new LiveReader({
    open: async (after, signal) => {
      asked.push({ after, at: clock.now() - began })
      const script = scripts.shift() ?? { messages: [] }
      if ('status' in script) throw Object.assign(new Error('no'), { status: script.status })
      return (async function * () {
        yield * script.messages
        if (script.ends !== true) {
          await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cut')), { once: true }))
        }
      })()
    },
    told: one => news.push(one),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    after: (ms, callback) => clock.after(ms, callback),
    random: () => 0.5
  })
  const done = reader.run(end.signal)
  return {
    clock, news, asked, reader, ids: () => news.flatMap(one => one.kind === 'event' ? [one.event.id] : []),
    stop: async () => { end.abort(); await done }
  }
}

describe('the reader of live events', () => {
  it('goes on behind the last event at once when the stream ends by itself', async () => {
    const { clock, ids, asked, stop } = reading(
      [{ messages: [ready('0'), event('1'), event('2')], ends: true }, { messages: [ready(), event('3')] }]
    )
    await clock.settle()
    await clock.settle()

    assert.deepEqual([ids(), asked.map(({ after }) => after)], [['1', '2', '3'], [undefined, '2']])
    await stop()
  })

  it('keeps the place that it was told when nothing has happened, and over events that it did not want', async () => {
    const { clock, asked, stop } = reading(
      [{ messages: [ready('7')], ends: true }, { messages: [ready('7'), { kind: 'place', id: '9' }], ends: true }]
    )
    await clock.settle()
    await clock.settle()
    await clock.settle()

    assert.deepEqual(asked.map(({ after }) => after), [undefined, '7', '9'])
    await stop()
  })

  it('waits longer and longer for a peer that is away, and not when it is back', async () => {
    const away = { status: 0 }
    const { clock, asked, news, stop } = reading(
      [away, away, away, away, { messages: [ready('1')], ends: true }, { messages: [ready('1')] }]
    )
    await clock.advance(20_000)

    assert.deepEqual(asked.map(({ at }) => at), [0, 500, 1500, 3500, 7500, 7500])
    assert.deepEqual(news.filter(({ kind }) => kind === 'standing').at(-1), { kind: 'standing', isLive: true })
    await stop()
  })

  it('tries at once when it is woken', async () => {
    const { clock, asked, reader, stop } = reading([{ status: 401 }, { messages: [ready('1')] }])
    await clock.advance(1000)
    assert.equal(asked.length, 1)

    reader.wake()
    await clock.settle()

    assert.equal(asked.length, 2)
    await stop()
  })

  it('gives up a stream of which nothing is heard', async () => {
    const { clock, asked, stop } = reading([{ messages: [ready('1')] }, { messages: [ready('1')] }])
    await clock.advance(41_000)

    assert.deepEqual(asked.map(({ after }) => after), [undefined, '1'])
    await stop()
  })

  it('tells when something was missed: while it was away, and on the way', async () => {
    const { clock, news, stop } = reading([{ messages: [ready('5', true), event('6'), { kind: 'missed' }, event('9')] }])
    await clock.settle()

    assert.deepEqual(news.map(one => one.kind === 'event' ? one.event.id : one.kind), ['standing', 'missed', '6', 'missed', '9'])
    await stop()
  })

  it('leaves nothing behind when it is stopped', async () => {
    const { clock, stop } = reading([{ status: 503 }])
    await clock.settle()

    await stop()

    assert.equal(clock.pending, 0)
  })
})
