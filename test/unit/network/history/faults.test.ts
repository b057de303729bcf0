import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { varintBytes } from '../../../../src/base/varint.ts'
import { historyClient, historyClientDefaults } from '../../../../src/network/history/client.ts'
import { encodeHistoryHeads, encodeHistoryRequest, historyProtocol } from '../../../../src/wire/history.ts'
import { historyServer, historyServerDefaults } from '../../../../src/network/history/server.ts'
import type { HistoryServerDeps } from '../../../../src/network/history/server.ts'
import type { HistoryAnswer, HistoryBlock, HistoryServer, HistorySource } from '../../../../src/network/history.ts'
import type { PeerStream, PeerStreams } from '../../../../src/network/network.ts'
import { pinChain, tipsOf } from '../../../support/crdt-dag.ts'
import { MemoryStreams } from '../../../support/memory-streams.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const signal = new AbortController().signal
const blocks = pinChain(200, 'pin')
const { stallMs, answersPerPeer, answersAtOnce } = historyServerDefaults
const unreachable = { code: 'PEER_UNREACHABLE' }

async function all (blocks: AsyncIterable<HistoryBlock[]>): Promise<number> {
  let count = 0
  for await (const batch of blocks) count += batch.length
  return count
}

async function readAll ({ source }: PeerStream): Promise<number> {
  let size = 0
  for await (const chunk of source) size += chunk.length
  return size
}

/** Rejects soon or not at all; the promise is watched from now on. */
const outcome = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => 'done', (err: { code?: string }) => err.code ?? String(err))

describe('asking a faulty peer for history', () => {
  let clock: SimClock
  let net: MemoryStreams
  let far: PeerStreams

  /** The far side writes these and then does as told. */
  const answers = (act: (stream: PeerStream) => Promise<void>): void => {
    far.handle(historyProtocol, stream => { act(stream).catch(() => {}) })
  }
  const ask = async (): Promise<HistoryAnswer> =>
    historyClient(historyClientDefaults, {
      streams: net.of('near'), onPeer: () => () => {}, clock
    }).ask('far', { roots: [], known: [] }, { signal })
  const heads = encodeHistoryHeads(tipsOf(blocks))
  const frame = (bytes: Uint8Array): Uint8Array => Buffer.concat([varintBytes(bytes.length), bytes])

  beforeEach(() => {
    clock = new SimClock()
    net = new MemoryStreams()
    far = net.of('far')
  })

  it('gives up when it does not begin to answer', async () => {
    answers(async () => {})

    const asked = outcome(ask())
    await clock.advance(historyClientDefaults.stallMs)

    assert.equal(await asked, 'TIMEOUT')
    assert.equal(clock.pending, 0)
  })

  it('gives up when it stands still, also amid a block', async () => {
    answers(async stream => stream.write(frame(heads), frame(blocks[0]?.bytes ?? heads), varintBytes(1000), new Uint8Array(10)))

    const { blocks: given } = await ask()
    const read = outcome(all(given))
    await clock.advance(historyClientDefaults.stallMs)

    assert.equal(await read, 'TIMEOUT')
    assert.equal(clock.pending, 0)
  })

  it('does not count the time in which nobody reads here', async () => {
    answers(async stream => {
      await stream.write(frame(heads), ...blocks.map(({ bytes }) => frame(bytes)))
      await stream.closeWrite()
    })

    const { blocks: given } = await ask()
    const reader = given[Symbol.asyncIterator]()
    const first = await reader.next()
    await clock.advance(10 * historyClientDefaults.stallMs)

    assert.equal((first.value as HistoryBlock[]).length + await all({ [Symbol.asyncIterator]: () => reader }), blocks.length)
  })

  it('refuses frames that no block can fill, without making room for them', async () => {
    answers(async stream => stream.write(frame(heads), varintBytes(2 ** 31)))

    const { blocks: given } = await ask()

    await assert.rejects(all(given), { code: 'INVALID_DATA' })
  })

  it('refuses an answer that begins with something else, is cut off, or is missing', async () => {
    const outcomes: string[] = []
    for (const act of [
      async (stream: PeerStream) => stream.write(frame(Uint8Array.of(10, 200))),
      async (stream: PeerStream) => { await stream.write(frame(heads), varintBytes(100), new Uint8Array(3)); await stream.closeWrite() },
      async (stream: PeerStream) => stream.closeWrite()
    ]) {
      answers(act)
      outcomes.push(await outcome(ask().then(async ({ blocks }) => all(blocks))))
    }

    assert.deepEqual(outcomes, ['INVALID_DATA', 'INVALID_DATA', 'INVALID_DATA'])
  })

  it('says when the stream is reset', async () => {
    answers(async stream => {
      await stream.write(frame(heads), frame(blocks[0]?.bytes ?? heads))
      stream.abort(new Error('away'))
    })

    const outcomeOf = await outcome(ask().then(async ({ blocks }) => all(blocks)))

    assert.equal(outcomeOf, 'PEER_UNREACHABLE')
  })
})

describe('giving history to a faulty peer', () => {
  let clock: SimClock
  let net: MemoryStreams
  let near: PeerStreams
  let server: HistoryServer
  let deps: HistoryServerDeps
  let reads: number

  const request = encodeHistoryRequest({ roots: tipsOf(blocks), known: [] })
  const open = async (): Promise<PeerStream> => near.open('far', historyProtocol)
  const opened = async (): Promise<PeerStream> => {
    const stream = await open()
    await stream.write(varintBytes(request.length), request)
    return stream
  }

  beforeEach(async () => {
    clock = new SimClock()
    net = new MemoryStreams()
    near = net.of('near')
    reads = 0
    const bytes = new Map(blocks.map(block => [block.cid.toString(), block.bytes]))
    const source: HistorySource = { completeHeads: () => tipsOf(blocks), getBlock: cid => { reads++; return bytes.get(cid.toString()) } }
    deps = { streams: net.of('far'), source, clock, log: silentLogger }
    server = historyServer(historyServerDefaults, deps)
    await server.start(signal)
  })

  it('does not wait for a request for ever', async () => {
    const stream = await open()

    const read = outcome(readAll(stream))
    await clock.advance(stallMs)

    assert.equal(await read, 'PEER_UNREACHABLE')
    assert.equal(clock.pending, 0)
  })

  it('gives up a reader that does not read, having read no more than fits', async () => {
    const stream = await opened()
    await clock.settle()
    const readsSoFar = reads

    await clock.advance(stallMs)

    assert.equal(stream.wasReset.aborted, true)
    assert.deepEqual([reads, clock.pending], [readsSoFar, 0])
  })

  it('refuses requests that are too long, malformed or cut off', async () => {
    const outcomes: string[] = []
    for (const bytes of [varintBytes(2 ** 30), Buffer.concat([varintBytes(2), Uint8Array.of(10, 200)]), varintBytes(50)]) {
      const stream = await open()
      await stream.write(bytes)
      await stream.closeWrite()
      outcomes.push(await outcome(readAll(stream)))
    }

    assert.deepEqual([...new Set(outcomes)], ['PEER_UNREACHABLE'])
    assert.equal(reads, 0)
  })

  it('gives one peer a few answers at once', async () => {
    const streams: PeerStream[] = []
    while (streams.length < answersPerPeer) streams.push(await opened())

    const tooMany = await open()
    await readAll(streams[0] as PeerStream)
    await clock.settle()
    const next = await open()

    assert.deepEqual([tooMany, next].map(({ wasReset }) => wasReset.aborted), [true, false])
  })

  it('gives all peers a few answers at once', async () => {
    const streams: PeerStream[] = []
    for (let at = 0; at <= answersAtOnce; at++) streams.push(await net.of(`peer ${at}`).open('far', historyProtocol))

    const tooMany = streams.pop()
    const before = streams.map(({ wasReset }) => wasReset.aborted)
    streams[0]?.abort(new Error('enough'))
    await clock.settle()
    const next = await net.of('next').open('far', historyProtocol)

    assert.deepEqual([before.includes(true), tooMany?.wasReset.aborted, next.wasReset.aborted], [false, true, false])
  })

  it('ends an answer that takes too long', async () => {
    await server.stop()
    server = historyServer({ ...historyServerDefaults, longestMs: stallMs / 2 }, deps)
    await server.start(signal)
    const stream = await opened()

    await clock.advance(stallMs / 2)

    assert.deepEqual([stream.wasReset.aborted, clock.pending], [true, 0])
  })

  it('stops with the peer', async () => {
    const stream = await opened()

    await server.stop()

    await assert.rejects(readAll(stream), unreachable)
    await assert.rejects(open(), { code: 'UNSUPPORTED' })
  })
})
