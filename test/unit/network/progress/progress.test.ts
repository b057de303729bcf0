import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import type { PinProgress } from '../../../../src/ipfs/ipfs.ts'
import { progressProtocol, progressServer, remoteProgress } from '../../../../src/network/progress/progress.ts'
import { decodeProgressAnswer, encodeProgressAnswer } from '../../../../src/network/progress/report-json.ts'
import type { PinProgressReport, RemoteProgress } from '../../../../src/network/remote-progress.ts'
import type { PeerStreams } from '../../../../src/network/network.ts'
import type { OperationProgress } from '../../../../src/tracker/tracker.ts'
import { ProtobufWriter } from '../../../../src/wire/protobuf.ts'
import { MemoryStreams } from '../../../support/memory-streams.ts'
import { cidFor } from '../../../support/pins.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const signal = new AbortController().signal
const operation: OperationProgress = {
  type: 'pin', phase: 'error', since: 5, attempts: 2, error: 'no block', queueLength: 3, turn: { place: 2, inMs: 500 }, nextTryAt: 9
}
const ipfs: PinProgress = {
  phase: 'fetching', blocks: 4, bytes: 5, fetchedBlocks: 2, fetchedBytes: 3, wantedBlock: cidFor('wanted'), wantedSince: 6,
  peersAsked: ['one', 'two'], nextTryAt: null, startedAt: 1
}
const full: PinProgressReport = { operation, ipfs }
const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

describe('the progress of a pin as bytes', () => {
  it('comes back as it was', () => {
    const inQueue = { ...operation, turn: { place: 2, inMs: null, queue: 'archive', limit: 'rate' as const } }
    const answers = [
      full, { operation: inQueue, ipfs: null }, { operation: null, ipfs: null }, { operation, ipfs: null },
      { refusal: 'NOT_AUTHORIZED' as const }
    ]

    assert.deepEqual(answers.map(answer => decodeProgressAnswer(encodeProgressAnswer(answer))), answers)
  })

  it('has the words for what nobody has beside one that older peers know', () => {
    const lacking = [['no_peers', 0, 'connecting'], ['no_providers', 4, 'fetching']] as const

    for (const [phase, blocks, known] of lacking) {
      const bytes = encodeProgressAnswer({ operation, ipfs: { ...ipfs, phase, blocks } })
      const { ipfs: read } = decodeProgressAnswer(bytes) as PinProgressReport
      assert.deepEqual([read?.phase, JSON.parse(new TextDecoder().decode(bytes)).ipfs.phase], [phase, known])
    }
  })

  it('is refused when it is anything else', () => {
    const bad: unknown[] = [
      null, [], 'text', { refusal: 'BECAUSE' }, { operation: [], ipfs: null }, { operation: { ...operation, type: 'other' }, ipfs: null },
      { operation: { ...operation, since: 1e300 }, ipfs: null },
      { operation: { ...operation, since: -1 }, ipfs: null }, { operation: { ...operation, error: 'x'.repeat(20_000) }, ipfs: null },
      { operation: null, ipfs: { ...ipfs, wantedBlock: 'no CID' } },
      { operation: null, ipfs: { ...ipfs, wantedBlock: null, peersAsked: [5] } },
      { operation: null, ipfs: { ...ipfs, wantedBlock: null, peersAsked: Array.from({ length: 2000 }, () => 'x') } }
    ]

    for (const value of bad) {
      assert.throws(() => decodeProgressAnswer(text(value)), { code: 'INVALID_DATA' }, JSON.stringify(value)?.slice(0, 80))
    }
    assert.throws(() => decodeProgressAnswer(Uint8Array.of(0xff)), { code: 'INVALID_DATA' })
  })
})

describe('the limits of a progress', () => {
  it('are texts of 16 KiB, 4 KiB of an error that is sent, and 1000 peers', () => {
    const [mostText, mostPeers] = [16 * 1024, 1000]
    const withText = (length: number): Uint8Array => text({ operation: { ...operation, error: 'x'.repeat(length) }, ipfs: null })
    const withPeers = (count: number): Uint8Array =>
      text({ operation: null, ipfs: { ...ipfs, wantedBlock: null, peersAsked: Array.from({ length: count }, () => 'x') } })
    const sent = (error: string, peers: number): PinProgressReport => decodeProgressAnswer(encodeProgressAnswer({
      operation: { ...operation, error }, ipfs: { ...ipfs, peersAsked: Array.from({ length: peers }, () => 'x') }
    })) as PinProgressReport

    assert.doesNotThrow(() => decodeProgressAnswer(withText(mostText)))
    assert.throws(() => decodeProgressAnswer(withText(mostText + 1)), { code: 'INVALID_DATA' })
    assert.doesNotThrow(() => decodeProgressAnswer(withPeers(mostPeers)))
    assert.throws(() => decodeProgressAnswer(withPeers(mostPeers + 1)), { code: 'INVALID_DATA' })
    for (const more of [0, 1]) {
      const { operation: read, ipfs: node } = sent('x'.repeat(mostText / 4 + more), mostPeers + more)
      assert.deepEqual([read?.error.length, node?.peersAsked.length], [mostText / 4, mostPeers])
    }
  })
})

describe('asking another peer how far a pin is', () => {
  let clock: SimClock
  let near: PeerStreams
  let far: PeerStreams
  let asking: RemoteProgress
  const asked: string[] = []

  const serve = async (trusts: boolean): Promise<() => Promise<void>> => {
    const server = progressServer({
      streams: far, trusts: () => trusts, report: cid => { asked.push(cid.toString()); return full }, clock, log: silentLogger
    })
    await server.start(signal)
    return async () => server.stop()
  }

  beforeEach(() => {
    clock = new SimClock()
    const net = new MemoryStreams()
    near = net.of('near')
    far = net.of('far')
    asked.length = 0
    asking = remoteProgress({ streams: near, clock })
  })

  it('gives its report', async () => {
    await serve(true)

    assert.deepEqual(await asking.progress('far', cidFor('pin')), full)
    assert.deepEqual([asked, clock.pending], [[cidFor('pin').toString()], 0])
  })

  it('says when it does not trust us, does not speak the protocol, or can not be reached', async () => {
    const stop = await serve(false)
    await assert.rejects(asking.progress('far', cidFor('pin')), { code: 'NOT_AUTHORIZED' })
    await stop()

    await assert.rejects(asking.progress('far', cidFor('pin')), { code: 'UNSUPPORTED' })
    await assert.rejects(asking.progress('nobody', cidFor('pin')), { code: 'PEER_UNREACHABLE' })
    assert.deepEqual(asked, [])
  })

  it('gives up a peer that does not answer, or whose answer is too long', async () => {
    far.handle(progressProtocol, () => {})
    const silent = assert.rejects(asking.progress('far', cidFor('pin')), { code: 'TIMEOUT' })
    await clock.advance(60_000)
    await silent
    far.handle(progressProtocol, stream => { void stream.write(Uint8Array.of(0xff, 0xff, 0xff, 0x7f)) })

    await assert.rejects(asking.progress('far', cidFor('pin')), { code: 'INVALID_DATA' })
    assert.equal(clock.pending, 0)
  })

  it('ends with the reason of the caller', async () => {
    far.handle(progressProtocol, () => {})
    const controller = new AbortController()
    const reason = new Error('enough')

    const promise = asking.progress('far', cidFor('pin'), { signal: controller.signal })
    await clock.settle()
    controller.abort(reason)

    await assert.rejects(promise, error => error === reason)
  })

  it('resets streams of peers that send garbage or nothing', async () => {
    await serve(true)
    const garbage = await near.open('far', progressProtocol)
    await garbage.write(Uint8Array.of(3, 1, 2, 3))
    const nothing = await near.open('far', progressProtocol)

    await clock.advance(60_000)

    assert.deepEqual([garbage, nothing].map(({ wasReset }) => wasReset.aborted), [true, true])
    assert.deepEqual(asked, [])
  })

  it('takes an answer of 256 KiB, and none that says that it has a byte more', async () => {
    const most = 256 * 1024
    const answerOf = (sizeBytes: number): Uint8Array => {
      const bytes = Buffer.from(JSON.stringify({ operation: null, ipfs: null, x: 'x'.repeat(sizeBytes - 37) }))
      assert.equal(bytes.length, sizeBytes)
      return new ProtobufWriter(sizeBytes + 5).varint(sizeBytes).raw(bytes).finish()
    }
    let next = answerOf(most)
    far.handle(progressProtocol, stream => { void stream.write(next) })

    assert.deepEqual(await asking.progress('far', cidFor('pin')), { operation: null, ipfs: null })
    next = answerOf(most + 1).subarray(0, 4)
    await assert.rejects(asking.progress('far', cidFor('pin')), { code: 'INVALID_DATA' })
  })

  it('reads a question of 256 bytes, and resets the stream of one that says that it has a byte more', async () => {
    await serve(true)
    const question = (digestBytes: number): Uint8Array => {
      const cid = new ProtobufWriter(300).varint(1).varint(0x55).varint(0).varint(digestBytes).raw(new Uint8Array(digestBytes)).finish()
      return new ProtobufWriter(300).varint(cid.length).raw(cid).finish()
    }
    const [most, more] = [await near.open('far', progressProtocol), await near.open('far', progressProtocol)]

    await most.write(question(251))
    await more.write(question(252).subarray(0, 2))
    await clock.settle()

    assert.deepEqual([most, more].map(({ wasReset }) => wasReset.aborted), [false, true])
    assert.equal(asked.length, 1)
  })
})
