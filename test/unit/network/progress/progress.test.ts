import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import type { PinProgress } from '../../../../src/ipfs/ipfs.ts'
import { progressProtocol, progressServer, remoteProgress } from '../../../../src/network/progress/progress.ts'
import { decodeProgressAnswer, encodeProgressAnswer } from '../../../../src/network/progress/report-json.ts'
import type { PinProgressReport, RemoteProgress } from '../../../../src/network/remote-progress.ts'
import type { PeerStreams } from '../../../../src/network/network.ts'
import type { OperationProgress } from '../../../../src/tracker/tracker.ts'
import { MemoryStreams } from '../../../support/memory-streams.ts'
import { cidFor } from '../../../support/pins.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const signal = new AbortController().signal
const operation: OperationProgress = { type: 'pin', phase: 'error', since: 5, attempts: 2, error: 'no block', queueLength: 3, nextTryAt: 9 }
const ipfs: PinProgress = {
  phase: 'fetching', blocks: 4, bytes: 5, fetchedBlocks: 2, fetchedBytes: 3, wantedBlock: cidFor('wanted'), wantedSince: 6, peersAsked: ['one', 'two'], nextTryAt: null, startedAt: 1
}
const full: PinProgressReport = { operation, ipfs }
const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

describe('the progress of a pin as bytes', () => {
  it('comes back as it was', () => {
    const answers = [full, { operation: null, ipfs: null }, { operation, ipfs: null }, { refusal: 'NOT_AUTHORIZED' as const }]

    assert.deepEqual(answers.map(answer => decodeProgressAnswer(encodeProgressAnswer(answer))), answers)
  })

  it('is refused when it is anything else', () => {
    const bad: unknown[] = [
      null, [], 'text', { refusal: 'BECAUSE' }, { operation: [], ipfs: null }, { operation: { ...operation, type: 'other' }, ipfs: null }, { operation: { ...operation, since: 1e300 }, ipfs: null },
      { operation: { ...operation, since: -1 }, ipfs: null }, { operation: { ...operation, error: 'x'.repeat(20_000) }, ipfs: null }, { operation: null, ipfs: { ...ipfs, wantedBlock: 'no CID' } },
      { operation: null, ipfs: { ...ipfs, wantedBlock: null, peersAsked: [5] } }, { operation: null, ipfs: { ...ipfs, wantedBlock: null, peersAsked: Array.from({ length: 2000 }, () => 'x') } }
    ]

    for (const value of bad) assert.throws(() => decodeProgressAnswer(text(value)), { code: 'INVALID_DATA' }, JSON.stringify(value)?.slice(0, 80))
    assert.throws(() => decodeProgressAnswer(Uint8Array.of(0xff)), { code: 'INVALID_DATA' })
  })
})

describe('asking another peer how far a pin is', () => {
  let clock: SimClock
  let near: PeerStreams
  let far: PeerStreams
  let asking: RemoteProgress
  const asked: string[] = []

  const serve = async (trusts: boolean): Promise<() => Promise<void>> => {
    const server = progressServer({ streams: far, trusts: () => trusts, report: cid => { asked.push(cid.toString()); return full }, clock, log: silentLogger })
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
})
