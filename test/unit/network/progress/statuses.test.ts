import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { ClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import type { PeerStreams } from '../../../../src/network/network.ts'
import {
  decodeStatusesFrom, decodeStatusMessage, encodeStatusesFrom, encodeStatusMessage
} from '../../../../src/network/progress/status-news.ts'
import { remoteStatuses, statusesProtocol, statusesServer } from '../../../../src/network/progress/statuses.ts'
import type { OwnStatuses, RemoteStatuses, StatusesFrom, StatusNews } from '../../../../src/network/remote-statuses.ts'
import { ProtobufWriter } from '../../../../src/wire/protobuf.ts'
import { MemoryStreams } from '../../../support/memory-streams.ts'
import { cidFor } from '../../../support/pins.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const cid = cidFor('pin').toString()
const news: StatusNews = {
  changes: [{ cid, status: 'pin_error', error: 'no block', attempts: 2, agoMs: 7 }], missed: false, place: 'log.5'
}
const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

describe('news of pins as bytes', () => {
  it('come back as they were', () => {
    const messages = [
      news, { ...news, changes: [], missed: true }, { refusal: 'NOT_AUTHORIZED' as const }, { refusal: 'RATE_LIMITED' as const }
    ]
    const questions: StatusesFrom[] = [{ sinceMs: 5 }, { after: 'log.5', sinceMs: 0 }]

    assert.deepEqual(messages.map(message => decodeStatusMessage(encodeStatusMessage(message))), messages)
    assert.deepEqual(questions.map(question => decodeStatusesFrom(encodeStatusesFrom(question))), questions)
  })

  it('are refused when they are anything else', () => {
    const [change] = news.changes
    const bad: unknown[] = [
      null, [], 'text', { refusal: 'BECAUSE' }, { ...news, changes: {} }, { ...news, missed: 1 }, { ...news, place: 'x'.repeat(65) },
      ...[{ cid: 'none' }, { status: 'well' }, { status: 'undefined' },
        { error: 'x'.repeat(1025) }, { attempts: -1 }, { agoMs: 1e300 }].map(fault => ({ ...news, changes: [{ ...change, ...fault }] })),
      { ...news, changes: Array.from({ length: 1001 }, () => change) }
    ]

    for (const value of bad) {
      assert.throws(() => decodeStatusMessage(text(value)), { code: 'INVALID_DATA' }, JSON.stringify(value)?.slice(0, 80))
    }
    assert.throws(() => decodeStatusMessage(Uint8Array.of(0xff)), { code: 'INVALID_DATA' })
    for (const value of [null, {}, { since_ms: -1 }, { since_ms: 0, after: 5 }, { since_ms: 0, after: 'x'.repeat(65) }]) {
      assert.throws(() => decodeStatusesFrom(text(value)), { code: 'INVALID_DATA' })
    }
  })

  it('have at most 1000 changes, errors of 1024 and places of 64 characters', () => {
    const [change] = news.changes
    const most = { ...news, place: 'x'.repeat(64), changes: Array.from({ length: 1000 }, () => ({ ...change, error: 'x'.repeat(1024) })) }

    assert.equal((decodeStatusMessage(text(most)) as StatusNews).changes.length, 1000)
  })
})

describe('hearing of another peer how pins go on it', () => {
  let clock: SimClock
  let near: PeerStreams
  let far: PeerStreams
  let remote: RemoteStatuses
  let asked: StatusesFrom[]
  let ended: number
  let give: (news: StatusNews) => void

  /** Gives what the test says, when it says so. */
  const own = (): OwnStatuses => ({
    follow: async function * (from, { signal }) {
      asked.push(from)
      const waiting: StatusNews[] = [{ ...news, changes: [] }]
      let wake = (): void => {}
      give = one => { waiting.push(one); wake() }
      signal.addEventListener('abort', () => wake(), { once: true })
      try {
        while (!signal.aborted) {
          const next = waiting.shift()
          if (next != null) yield next
          else await new Promise<void>(resolve => { wake = resolve })
        }
      } finally {
        ended++
      }
    }
  })

  const serve = async ({ trusts = true, statuses = own() }: { trusts?: boolean, statuses?: OwnStatuses } = {}): Promise<() =>
    Promise<void>> => {
    const server = statusesServer({ streams: far, trusts: () => trusts, statuses, clock, log: silentLogger })
    await server.start(new AbortController().signal)
    return async () => server.stop()
  }

  beforeEach(() => {
    clock = new SimClock()
    const net = new MemoryStreams()
    near = net.of('near')
    far = net.of('far')
    remote = remoteStatuses({ streams: near, clock })
    asked = []
    ended = 0
  })

  it('gives what comes, as it comes, and ends with who listens', async () => {
    await serve()
    const end = new AbortController()
    const heard = remote.follow('far', { after: 'log.4', sinceMs: 3 }, { signal: end.signal })[Symbol.asyncIterator]()
    const first = await heard.next()
    const next = heard.next()
    await clock.settle()
    give(news)

    assert.deepEqual(
      [asked, (first.value as StatusNews).changes, await next], [[{ after: 'log.4', sinceMs: 3 }], [], { done: false, value: news }]
    )

    const last = assert.rejects(heard.next(), error => error === 'enough')
    end.abort('enough')
    await last
    await clock.settle()

    assert.deepEqual([ended, clock.pending], [1, 0])
  })

  it('goes on for as long as there is a sign of life, and gives up a peer that is silent', async () => {
    await serve()
    const signal = new AbortController().signal
    const heard = remote.follow('far', { sinceMs: 0 }, { signal })[Symbol.asyncIterator]()
    await heard.next()
    const next = heard.next()
    await clock.advance(600_000)
    give(news)
    assert.deepEqual((await next).value, news)

    far.handle(statusesProtocol, () => {})
    const silent = assert.rejects(remote.follow('far', { sinceMs: 0 }, { signal })[Symbol.asyncIterator]().next(), { code: 'TIMEOUT' })
    await clock.advance(60_000)
    await silent
  })

  it('says when the peer does not trust us, takes nobody more, does not speak the protocol, or can not be reached', async () => {
    const follow = (peer: string): Promise<unknown> =>
      remote.follow(peer, { sinceMs: 0 }, { signal: new AbortController().signal })[Symbol.asyncIterator]().next()
    let stop = await serve({ trusts: false })
    await assert.rejects(follow('far'), { code: 'NOT_AUTHORIZED' })
    await stop()
    stop = await serve({ statuses: { follow: async function * () { throw new ClusterError('RATE_LIMITED', {}) } } })
    await assert.rejects(follow('far'), { code: 'RATE_LIMITED' })
    await stop()

    await assert.rejects(follow('far'), { code: 'UNSUPPORTED' })
    await assert.rejects(follow('nobody'), { code: 'PEER_UNREACHABLE' })
    assert.deepEqual(asked, [])
  })

  it('takes one stream of a peer: its next one ends the one before', async () => {
    await serve()
    const { signal } = new AbortController()
    const first = remote.follow('far', { sinceMs: 1 }, { signal })[Symbol.asyncIterator]()
    await first.next()
    const over = first.next().then(({ done }) => done, () => true)
    const second = remote.follow('far', { sinceMs: 2 }, { signal })[Symbol.asyncIterator]()
    await second.next()

    assert.equal(await over, true)
    assert.deepEqual([asked.length, ended], [2, 1])
  })

  it('ends with the peer that tells, and lets go of one that takes nothing', async () => {
    const stop = await serve()
    const deaf = await near.open('far', statusesProtocol)
    const question = encodeStatusesFrom({ sinceMs: 0 })
    await deaf.write(new ProtobufWriter(300).varint(question.length).raw(question).finish())
    await clock.settle()
    for (let count = 0; count < 20; count++) give(news)
    await clock.advance(60_000)
    assert.equal(ended, 1)

    const heard = remote.follow('far', { sinceMs: 0 }, { signal: new AbortController().signal })[Symbol.asyncIterator]()
    await heard.next()
    const over = heard.next().then(({ done }) => done, () => true)
    await stop()
    assert.equal(await over, true)
  })

  it('resets streams that ask for nothing, or for too much', async () => {
    await serve()
    const nothing = await near.open('far', statusesProtocol)
    const more = await near.open('far', statusesProtocol)
    await more.write(new ProtobufWriter(5).varint(257).finish())
    await clock.settle()
    assert.deepEqual([nothing, more].map(({ wasReset }) => wasReset.aborted), [false, true])
    await clock.advance(60_000)

    assert.equal(nothing.wasReset.aborted, true)
    assert.deepEqual([asked, clock.pending], [[], 0])
  })

  it('leaves a peer that sends more keep-alives than are due', async () => {
    far.handle(statusesProtocol, stream => { void (async () => { for (;;) await stream.write(new Uint8Array(65_536)) })().catch(() => {}) })

    await assert.rejects(
      remote.follow('far', { sinceMs: 0 }, { signal: new AbortController().signal })[Symbol.asyncIterator]().next(),
      { code: 'INVALID_DATA' }
    )
  })

  it('refuses a message of more than a MiB', async () => {
    far.handle(statusesProtocol, stream => { void stream.write(new ProtobufWriter(5).varint(1024 * 1024 + 1).finish()) })

    await assert.rejects(
      remote.follow('far', { sinceMs: 0 }, { signal: new AbortController().signal })[Symbol.asyncIterator]().next(),
      { code: 'INVALID_DATA' }
    )
  })
})
