import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { receiveBitswap } from '../../../../../src/ipfs/helia/exchange/bitswap-inbound.ts'
import { FrameReader } from '../../../../../src/base/frame-reader.ts'
import { decodeBitswapMessage, encodeBitswapFrame } from '../../../../../src/wire/bitswap.ts'
import type { BitswapMessage } from '../../../../../src/wire/bitswap.ts'
import { quietMs } from '../../../../support/poll.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

/** As libp2p's streams: an event target that can be closed and aborted. */
class FakeStream extends EventTarget {
  aborted: Error | undefined
  async close (): Promise<void> {}
  abort (err: Error): void {
    this.aborted = err
    this.dispatchEvent(new Event('close'))
  }

  receive (bytes: Uint8Array): void { this.dispatchEvent(Object.assign(new Event('message'), { data: bytes })) }
}

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

/** One want-have for the bytes 01 55, priority 7, then a block "abc" and a don't-have. */
const message = hex('0a0e 0a0a 0a020155 1007 2001 2801 1000 1a0a 0a03015512 1203616263 2206 0a020155 1001')
const framed = (body: Uint8Array): Uint8Array => Uint8Array.of(body.length, ...body)

/** A message with a block, of so many bytes in all. */
function encodedBlock (sizeBytes: number): Uint8Array {
  const frame = encodeBitswapFrame({ blocks: [{ prefix: Uint8Array.of(1), data: new Uint8Array(sizeBytes - 9) }] }).subarray(2)
  assert.equal(frame.length, sizeBytes)
  return frame
}

function receive (clock: SimClock): { stream: FakeStream, delivered: BitswapMessage[] } {
  const stream = new FakeStream()
  const delivered: BitswapMessage[] = []
  receiveBitswap(stream as unknown as Stream, { stallMs: 1000, maxMessageBytes: 10_000 }, { clock, deliver: one => delivered.push(one) })
  return { stream, delivered }
}

describe('bitswap inbound', () => {
  it('reads messages in pieces of any size', () => {
    const frames = new FrameReader(10_000)
    const bodies = [new Uint8Array(300).fill(1), Uint8Array.of(2), new Uint8Array(5000).fill(3)]
    const wire = Buffer.concat(
      bodies.map(body => Buffer.from([...body.length < 128 ? [body.length] : [body.length % 128 + 128, body.length >> 7], ...body]))
    )

    const read = [...wire.keys()].filter(at => at % 7 === 0).flatMap(at => [...frames.push(wire.subarray(at, at + 7))])

    assert.deepEqual(read, bodies)
    assert.equal(frames.idle, true)
  })

  it('decodes wants, blocks and presences', () => {
    const { wantlist, blocks, blockPresences } = decodeBitswapMessage(message)

    assert.deepEqual(wantlist, { full: false, entries: [{ cid: hex('0155'), priority: 7, wantType: 'WantHave', sendDontHave: true }] })
    assert.deepEqual(blocks.map(({ data }) => Buffer.from(data).toString()), ['abc'])
    assert.deepEqual(blockPresences, [{ cid: hex('0155'), type: 'DoNotHaveBlock' }])
  })

  it('has no timer on an idle stream, however long it is silent', async () => {
    const clock = new SimClock()
    const { stream, delivered } = receive(clock)

    stream.receive(framed(message))
    const timersAfterFirst = clock.pending
    await clock.advance(3_600_000)
    stream.receive(framed(message))

    assert.equal(timersAfterFirst, 0)
    assert.equal(delivered.length, 2)
    assert.equal(stream.aborted, undefined)
  })

  it('resets a stream whose message stands still, and only then', async () => {
    const clock = new SimClock()
    const { stream, delivered } = receive(clock)

    stream.receive(framed(message).subarray(0, 5))
    await clock.advance(900)
    stream.receive(framed(message).subarray(5, 9))
    await clock.advance(900)
    const before = stream.aborted
    await clock.advance(200)

    assert.equal(before, undefined)
    assert.match(String(stream.aborted), /stalled/)
    assert.equal(delivered.length, 0)
    assert.equal(clock.pending, 0)
  })

  it('resets a stream that sends nonsense or too much', () => {
    const nonsense = receive(new SimClock())
    const large = receive(new SimClock())

    nonsense.stream.receive(framed(hex('0aff01')))
    large.stream.receive(hex('ffff7f'))

    assert.ok(nonsense.stream.aborted != null)
    assert.ok(large.stream.aborted != null)
  })

  it('takes messages up to their limit, and none that says that it has a byte more', { timeout: quietMs(5000) }, () => {
    const { stream, delivered } = receive(new SimClock())

    stream.receive(Buffer.concat([Buffer.from('904e', 'hex'), encodedBlock(10_000)]))
    assert.equal(delivered.length, 1)
    assert.equal(stream.aborted, undefined)
    stream.receive(Buffer.from('914e', 'hex'))

    assert.ok(stream.aborted != null)
  })

  it('passes on 4096 wants and as many cancels of a message', { timeout: quietMs(5000) }, () => {
    const stream = new FakeStream()
    const delivered: BitswapMessage[] = []
    receiveBitswap(
      stream as unknown as Stream, { stallMs: 1000, maxMessageBytes: 1 << 20 },
      { clock: new SimClock(), deliver: one => delivered.push(one) }
    )
    const wants = (count: number): Uint8Array => encodeBitswapFrame({
      wants: Array.from({ length: count * 2 }, (_, at) => ({ cid: Uint8Array.of(at >> 8, at), cancel: at % 2 === 0 }))
    })

    for (const count of [2048, 4096, 4097]) stream.receive(wants(count))

    assert.deepEqual(
      delivered.map(
        ({ wantlist }) => [true, false].map(isCancel => wantlist?.entries.filter(({ cancel = false }) => cancel === isCancel).length)
      ),
      [[2048, 2048], [4096, 4096], [4096, 4096]]
    )
  })

  it('delivers messages that come together as one; a full list of wants replaces what came before', () => {
    const { stream, delivered } = receive(new SimClock())
    const want = (at: number): Uint8Array =>
      encodeBitswapFrame({ wants: [{ cid: Uint8Array.of(at) }], blocks: [{ prefix: Uint8Array.of(1), data: Uint8Array.of(at) }] })
    const full = framed(hex('0a09 0a05 0a0109 1001 1001'))

    stream.receive(Buffer.concat([want(1), want(2)]))
    stream.receive(Buffer.concat([want(3), full, want(4)]))

    assert.deepEqual(
      delivered.map(
        ({ wantlist, blocks }) => [wantlist?.entries.map(({ cid }) => cid[0]), wantlist?.full ?? false, blocks.map(({ data }) => data[0])]
      ),
      [[[1, 2], false, [1, 2]], [[9, 4], true, [3, 4]]]
    )
  })
})
