import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CID } from '../../../../src/model/cid.ts'
import { bitswapProtocol, exchangeDefaults } from '../../../../src/network/bitswap/exchange.ts'
import { IncomingMessages } from '../../../../src/network/bitswap/incoming-messages.ts'
import { Partner } from '../../../../src/network/bitswap/partner.ts'
import type { PeerStream } from '../../../../src/network/network.ts'
import { decodeBitswapMessage, encodeBitswapFrame } from '../../../../src/wire/bitswap.ts'
import type { BitswapMessage } from '../../../../src/wire/bitswap.ts'
import { FrameReader } from '../../../../src/base/frame-reader.ts'
import { ProtobufWriter } from '../../../../src/wire/protobuf.ts'
import { CID as Cid } from '../../../../src/model/cid.ts'
import { digestKey } from '../../../../src/network/bitswap/want.ts'
import { MemoryStreams } from '../../../support/memory-streams.ts'
import { NotedLogger } from '../../../support/noted-logger.ts'
import { quietMs } from '../../../support/poll.ts'
import { SimClock } from '../../../support/sim-clock.ts'

/** A CRDT block's CID; no two numbers have the same. */
function cidNumber (number: number): CID {
  const bytes = new Uint8Array(36)
  bytes.set([1, 0x70, 0x12, 32])
  new DataView(bytes.buffer).setUint32(4, number)
  return Cid.decode(bytes)
}

const wants = (count: number, { from = 0, type = 'WantBlock' as 'WantBlock' | 'WantHave' } = {}) =>
  Array.from({ length: count }, (_, at) => ({ cid: cidNumber(from + at).bytes, priority: 1, wantType: type, sendDontHave: true }))

/** A partner whose messages are caught, or which can't write at all while `isOpen` is false. */
function partner (blocks: (cid: CID) => Uint8Array | undefined = () => undefined) {
  const sent: BitswapMessage[] = []
  let opened: (stream: PeerStream) => void = () => {}
  const opening = new Promise<PeerStream>(resolve => { opened = resolve })
  const stream = {
    remote: 'p',
    write: async (bytes: Uint8Array) => {
      for (const frame of new FrameReader(8 << 20).push(bytes)) sent.push(decodeBitswapMessage(frame))
    },
    closeWrite: async () => {},
    abort: () => {},
    wasReset: new AbortController().signal
  } as unknown as PeerStream
  const one = new Partner('p', { stallMs: 10_000 }, {
    open: async () => opening, blocks, clock: new SimClock(), log: new NotedLogger(), failed: () => {}, lost: () => {}
  })
  return { one, sent, open: () => opened(stream) }
}

async function until (condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !condition(); turn++) await new Promise(resolve => setImmediate(resolve))
  assert.ok(condition())
}

const answered = (sent: readonly BitswapMessage[]): number =>
  sent.reduce((sum, { blocks, blockPresences }) => sum + blocks.length + blockPresences.length, 0)

describe('what is kept of another peer\'s wants', { timeout: quietMs(10_000) }, () => {
  it('are 16,384 that wait for answers; more are forgotten, cancels count at once, and no more is read from 4096 on', async () => {
    const { one, sent, open } = partner()

    one.wanted(wants(4095), false)
    let mayRead = false
    void one.room().then(() => { mayRead = true })
    await until(() => mayRead)
    one.wanted(wants(1, { from: 4095 }), false)
    mayRead = false
    void one.room().then(() => { mayRead = true })
    one.wanted(wants(12_288, { from: 4096 }), false)
    one.wanted(wants(1000, { from: 16_384 }), false)
    one.wanted([{ cid: cidNumber(0).bytes, priority: 1, cancel: true }], false)
    one.wanted(wants(2, { from: 20_000 }), false)
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(mayRead, false)
    open()
    await until(() => mayRead)
    await until(() => answered(sent) >= 16_384)
    await new Promise(resolve => setImmediate(resolve))

    const told = sent.flatMap(({ blockPresences }) => blockPresences).map(
      ({ cid }) => new DataView(cid.buffer, cid.byteOffset).getUint32(4)
    )
    assert.equal(told.length, 16_384)
    assert.equal(told.filter(number => number >= 16_384).join(), '20000')
    assert.ok(!told.includes(0))
    assert.equal(Math.max(...sent.map(({ blockPresences }) => blockPresences.length)), 1024)
  })

  it('are 1024 for blocks that aren\'t here', async () => {
    const here = new Set<string>()
    const { one, sent, open } = partner(cid => here.has(digestKey(cid)) ? Uint8Array.of(1) : undefined)
    open()
    one.wanted(wants(1025), false)
    await until(() => answered(sent) === 1025)
    sent.length = 0

    for (let number = 0; number < 1025; number++) {
      here.add(digestKey(cidNumber(number)))
      one.offer(digestKey(cidNumber(number)))
    }
    await until(() => answered(sent) >= 1024)
    await new Promise(resolve => setImmediate(resolve))

    assert.equal(answered(sent), 1024)
  })

  it('blocks of up to 1 KiB are sent to who only asks whether they are here', async () => {
    for (const [sizeBytes, expected] of [[1024, [1, 0]], [1025, [0, 1]]] as const) {
      const { one, sent, open } = partner(() => new Uint8Array(sizeBytes))
      open()
      one.wanted(wants(1, { type: 'WantHave' }), false)
      await until(() => answered(sent) === 1)

      assert.deepEqual([sent[0]?.blocks.length, sent[0]?.blockPresences.length], expected)
    }
  })

  it('a message carries blocks of 512 KiB together, and a larger one alone', async () => {
    const sizes = [256 * 1024, 256 * 1024, 1, 512 * 1024 + 1, 1]
    const { one, sent, open } = partner(
      cid => new Uint8Array(sizes[new DataView(cid.bytes.buffer, cid.bytes.byteOffset).getUint32(4)] ?? 0)
    )
    one.wanted(wants(sizes.length), false)
    open()
    await until(() => answered(sent) === sizes.length)

    assert.deepEqual(sent.map(({ blocks }) => blocks.map(({ data }) => data.length)), [[262_144, 262_144], [1], [524_289], [1]])
  })
})

describe('what is read of another peer\'s messages', { timeout: quietMs(10_000) }, () => {
  const mostBytes = 4 * 1024 * 1024 + 64 * 1024

  async function reading () {
    const net = new MemoryStreams()
    const taken: number[] = []
    const log = new NotedLogger()
    const incoming = new IncomingMessages({ stallMs: exchangeDefaults.stallMs }, {
      room: async () => {},
      take: (_peer, { blocks }) => { taken.push(blocks.length) },
      lost: () => {},
      clock: new SimClock(),
      log
    })
    net.of('self').handle(bitswapProtocol, stream => { void incoming.receive(stream) })
    const streams = net.of('other')
    return { taken, log, open: async () => streams.open('self', bitswapProtocol) }
  }
  const settle = async (): Promise<void> => { for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve)) }
  /** A message of so many bytes with one block. */
  function message (sizeBytes: number): Uint8Array {
    const rest = encodeBitswapFrame({ blocks: [{ prefix: Uint8Array.of(1), data: new Uint8Array(sizeBytes) }] }).length - sizeBytes
    const frame = encodeBitswapFrame({ blocks: [{ prefix: Uint8Array.of(1), data: new Uint8Array(sizeBytes - rest + 4) }] })
    assert.equal(frame.length - 4, sizeBytes)
    return frame
  }
  /** The head of a message of so many bytes, and its first one. */
  const begun = (sizeBytes: number): Uint8Array => new ProtobufWriter(8).varint(sizeBytes).raw(Uint8Array.of(0x1a)).finish()

  it('are messages of 4 MiB and 64 KiB, and none that says that it is a byte longer', async () => {
    const { taken, open, log } = await reading()
    const [most, more] = [await open(), await open()]

    await most.write(message(mostBytes))
    await more.write(begun(mostBytes + 1))
    await settle()

    assert.deepEqual([taken, most.wasReset.aborted, more.wasReset.aborted], [[1], false, true])
    assert.match(String(log.warnings()[0]?.[1].err), /too long/)
  })

  it('are 16 MiB that have begun, on all streams of a peer together, and not a byte more', async () => {
    const { open } = await reading()
    const streams = [await open(), await open(), await open(), await open(), await open()]
    const sizes = [mostBytes, mostBytes, mostBytes, 16 * 1024 * 1024 - 3 * mostBytes]

    for (const [at, stream] of streams.slice(0, 4).entries()) await stream.write(begun(sizes[at] ?? 0))
    await settle()
    const atTheLimit = streams.map(({ wasReset }) => wasReset.aborted)
    await streams[4]?.write(Uint8Array.of(1))
    await settle()

    assert.deepEqual(atTheLimit, [false, false, false, false, false])
    assert.deepEqual(streams.map(({ wasReset }) => wasReset.aborted), [false, false, false, false, true])
  })

  it('are 64 streams', async () => {
    const { open } = await reading()
    const streams: PeerStream[] = []

    for (let at = 0; at < 65; at++) streams.push(await open())
    await settle()

    assert.deepEqual(streams.map(({ wasReset }) => wasReset.aborted), [...Array.from({ length: 64 }, () => false), true])
  })
})
