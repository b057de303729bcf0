import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EventRing } from '../../../src/events/event-ring.ts'
import { eventStream } from '../../../src/events/event-stream.ts'
import type { EventStreamOptions } from '../../../src/events/event-stream.ts'
import { SimClock } from '../../support/sim-clock.ts'

/** A reader of the text of a stream. */
function streaming (options: Partial<EventStreamOptions> = {}, ring?: EventRing) {
  const clock = new SimClock()
  const feed = ring ?? new EventRing({ maxEvents: 10, maxReaders: 10, prefix: 'p.' }, { clock })
  const end = new AbortController()
  const state = { text: '', pieces: 0, isDone: false }
  const done = (async () => {
    for await (const piece of eventStream({ signal: end.signal, ...options }, { feed, clock })) {
      state.text += Buffer.from(piece).toString()
      state.pieces++
    }
    state.isDone = true
  })()
  return { clock, feed, state, end: () => end.abort(), done }
}

describe('a stream of events', () => {
  it('begins with where its reader is, and has one message for each event', async () => {
    const { clock, feed, state } = streaming()
    await clock.settle()
    feed.add('pin.status', { cid: 'bafy', status: 'pinned' }, Date.UTC(2030, 0, 1, 12))
    await clock.advance(50)

    assert.equal(state.text, [
      'retry: 2000\nid: p.0\nevent: ready\ndata: {"missed":false}\n\n',
      'id: p.1\nevent: pin.status\ndata: {"id":"p.1","type":"pin.status","at":"2030-01-01T12:00:00.000Z","data":{"cid":"bafy","status":"pinned"}}\n\n'
    ].join(''))
  })

  it('has no line break of an event in it', async () => {
    const { clock, feed, state } = streaming()
    await clock.settle()
    feed.add('pin.put', { name: 'a\nid: 99\n\nevent: forged\r\ndata: x\u2028' })
    await clock.advance(50)

    const lines = state.text.split(/\r\n|\r|\n/)
    assert.deepEqual(lines.filter(line => line.startsWith('event:')), ['event: ready', 'event: pin.put'])
    assert.deepEqual(lines.filter(line => line.startsWith('id:')), ['id: p.0', 'id: p.1'])
  })

  it('gives only what was asked for, and moves its reader on over the rest', async () => {
    const { clock, feed, state } = streaming({ types: ['pin', 'peer.down'] })
    await clock.settle()
    for (const type of ['alert', 'pin.put', 'pinset.other', 'peer.up', 'peer.down', 'alert']) feed.add(type, {})
    await clock.advance(50)

    const told = [...state.text.matchAll(/^event: (.+)$/gm)].map(([, type]) => type)
    assert.deepEqual(told, ['ready', 'pin.put', 'peer.down'])
    assert.match(state.text, /id: p\.6\n\n$/)
  })

  it('sends something every fifteen seconds', async () => {
    const { clock, state } = streaming()
    await clock.settle()
    const before = state.text.length
    await clock.advance(31_000)

    assert.equal(state.text.slice(before), ':\n\n:\n\n')
  })

  it('ends after ten minutes, so that who listens is asked again who they are', async () => {
    const { clock, state, done } = streaming()
    await clock.advance(599_000)
    assert.equal(state.isDone, false)

    await clock.advance(2000)
    await done
  })

  it('ends behind what there is, when nobody wants to wait', async () => {
    const clock = new SimClock()
    const ring = new EventRing({ maxEvents: 1000, maxReaders: 1 }, { clock })
    for (let n = 0; n < 250; n++) ring.add('e', {})
    let text = ''
    for await (const piece of eventStream({ after: 'oldest', waits: false, signal: new AbortController().signal }, { feed: ring, clock })) {
      text += Buffer.from(piece).toString()
    }

    assert.equal(text.match(/^event: e$/gm)?.length, 250)
    assert.deepEqual([ring.readers, clock.pending], [0, 0])
  })

  it('says when something is gone: at the beginning, and when the reader is too slow', async () => {
    const late = streaming({ after: 'other.7' })
    await late.clock.settle()
    assert.match(late.state.text, /event: ready\ndata: \{"missed":true\}/)

    const clock = new SimClock()
    const ring = new EventRing({ maxEvents: 3, maxReaders: 1 }, { clock })
    const slow = eventStream({ signal: new AbortController().signal }, { feed: ring, clock })
    await slow.next()
    for (let n = 0; n < 50; n++) ring.add(`e.${n}`, {})
    const text = Buffer.from((await slow.next()).value as Uint8Array).toString()
    assert.match(text, /^event: missed\ndata: \{\}\n\nid: 48\n/)
    await slow.return()
  })

  it('makes the text once for all who read at the same time', async () => {
    const clock = new SimClock()
    const ring = new EventRing({ maxEvents: 10, maxReaders: 10 }, { clock })
    const readers = [1, 2].map(() => eventStream({ signal: new AbortController().signal }, { feed: ring, clock }))
    for (const reader of readers) await reader.next()
    ring.add('a', {})
    const [first, second] = await Promise.all(readers.map(async reader => (await reader.next()).value))

    assert.equal(first, second)
    for (const reader of readers) await reader.return()
    assert.deepEqual([ring.readers, clock.pending], [0, 0])
  })
})
