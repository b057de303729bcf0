import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { rpcProtocol } from '../../../src/model/peer.ts'
import { encodeFailure, encodeReply, encodeRequest, nextArgument, readReply } from '../../../src/rpc/frames.ts'
import { methods } from '../../../src/rpc/methods.ts'
import { rpcServer, type RpcHandlers } from '../../../src/rpc/server.ts'
import { defaultLimits, ValueScan } from '../../../src/wire/msgpack-scan.ts'
import { MsgpackStream } from '../../../src/wire/msgpack-stream.ts'
import { text } from '../../../src/wire/rpc-schema.ts'
import { MemoryStreams } from '../../support/memory-streams.ts'
import { quietMs } from '../../support/poll.ts'

const MiB = 1 << 20
const pieceBytes = 64 * 1024

/** A byte string says its length in five bytes, a list of up to 15 values in one, of up to 65,535 in three. */
const rawHead = (sizeBytes: number): Buffer => Buffer.from(`db${sizeBytes.toString(16).padStart(8, '0')}`, 'hex')
const listHead = (count: number): Buffer =>
  count < 16 ? Buffer.of(0x90 + count) : Buffer.from(`dc${count.toString(16).padStart(4, '0')}`, 'hex')

/**
 * A list of byte strings, `sizeBytes` with all heads: as many of the largest as fit, and the rest. In pieces; `read` counts what was taken.
 */
function listOf (sizeBytes: number): { chunks: AsyncGenerator<Uint8Array>, read: { bytes: number } } {
  const read = { bytes: 0 }
  const piece = Buffer.alloc(pieceBytes, 1)
  const chunks = (async function * () {
    for (const part of [listHead(lengthsOf(sizeBytes).length), ...lengthsOf(sizeBytes)]) {
      if (typeof part !== 'number') { read.bytes += part.length; yield part; continue }
      read.bytes += 5
      yield rawHead(part)
      for (let left = part; left > 0; left -= pieceBytes) {
        read.bytes += Math.min(left, pieceBytes)
        yield piece.subarray(0, Math.min(left, pieceBytes))
      }
    }
  })()
  return { chunks, read }
}

function lengthsOf (sizeBytes: number): number[] {
  const count = Math.ceil(sizeBytes / (defaultLimits.rawBytes + 5))
  const rest = sizeBytes - listHead(count).length - (count - 1) * (defaultLimits.rawBytes + 5) - 5
  return [...Array.from({ length: count - 1 }, () => defaultLimits.rawBytes), rest]
}

const refuses = (work: () => unknown): boolean => {
  try { work() } catch (err) { return isClusterError(err, 'INVALID_DATA') }
  return false
}

describe('the limits of calls between peers', { timeout: quietMs(10_000) }, () => {
  it('an argument may have 8 MiB, and is refused as soon as it says that it has a byte more', async () => {
    const [most, more] = [listOf(8 * MiB), listOf(8 * MiB + 1)]

    const taken = await nextArgument(new MsgpackStream(most.chunks))

    assert.equal(taken?.length, 8 * MiB)
    await assert.rejects(
      nextArgument(new MsgpackStream(more.chunks)), { code: 'INVALID_DATA', message: new RegExp(`more than ${8 * MiB} bytes`) }
    )
    // what is announced last isn't read
    assert.ok(more.read.bytes <= defaultLimits.rawBytes + 2 * pieceBytes, `${more.read.bytes} bytes were read`)
  })

  it('the head of an answer may have 1 MiB, and no more', async () => {
    const answerOf = (headBytes: number): AsyncGenerator<Uint8Array> => {
      const rest = encodeFailure('a.b', { message: 'x'.repeat(MiB - 100), type: 0 }).length - (MiB - 100) - 1
      const bytes = encodeFailure('a.b', { message: 'x'.repeat(headBytes - rest), type: 0 })
      assert.equal(bytes.length, headBytes + 1)
      return (async function * () { yield bytes })()
    }
    const read = async (headBytes: number): Promise<unknown> => readReply(new MsgpackStream(answerOf(headBytes)), text)

    await assert.rejects(read(MiB), { code: 'PEER_FAILED', message: /^x{1000000}/ })
    await assert.rejects(read(MiB + 1), { code: 'INVALID_DATA' })
  })

  it('an answer is bounded by what its stream allows, head and value each by itself', async () => {
    const reply = encodeReply('a.b', text, 'x'.repeat(200))
    const read = async (valueBytes: number): Promise<unknown> =>
      readReply(new MsgpackStream((async function * () { yield reply })(), { ...defaultLimits, valueBytes }), text)

    // two bytes and the length say that it is a text
    assert.deepEqual(await read(203), { value: 'x'.repeat(200) })
    await assert.rejects(read(202), { code: 'INVALID_DATA' })
  })

  it('a value may have 128 MiB, and is refused as soon as it says that it has a byte more', () => {
    assert.deepEqual(defaultLimits, { depth: 16, rawBytes: 4 * MiB, items: MiB, valueBytes: 128 * MiB })
    // memory that nobody writes to isn't there: only the heads are
    const laidOut = (sizeBytes: number): { bytes: Buffer, lastHeadEnds: number } => {
      const bytes = Buffer.alloc(sizeBytes)
      const lengths = lengthsOf(sizeBytes)
      let at = listHead(lengths.length).copy(bytes, 0)
      for (const length of lengths) at += rawHead(length).copy(bytes, at) + length
      return { bytes, lastHeadEnds: at - (lengths.at(-1) ?? 0) }
    }
    const [most, more] = [laidOut(128 * MiB), laidOut(128 * MiB + 1)]

    assert.deepEqual(new ValueScan().advance(most.bytes), { end: 128 * MiB })
    assert.ok(refuses(() => new ValueScan().advance(more.bytes.subarray(0, more.lastHeadEnds))))
  })

  it('texts may have 4 MiB, lists a million values, 16 of them in each other, and no more', () => {
    const takes = (bytes: Buffer): boolean => !refuses(() => new ValueScan().advance(bytes))
    const list = (count: number): Buffer => Buffer.from(`dd${count.toString(16).padStart(8, '0')}`, 'hex')
    const rows: Record<string, [Buffer, Buffer]> = {
      rawBytes: [rawHead(4 * MiB), rawHead(4 * MiB + 1)],
      items: [list(MiB), list(MiB + 1)],
      depth: [Buffer.alloc(16, 0x91), Buffer.alloc(17, 0x91)]
    }

    for (const [name, [most, more]] of Object.entries(rows)) assert.deepEqual([takes(most), takes(more)], [true, false], name)
  })

  it('a call whose argument is too long ends alone: its stream is reset, nothing is done, and the next one is served', async () => {
    const network = new MemoryStreams()
    const done: unknown[] = []
    const handlers = {
      logPin: { unary: async (pin: unknown) => { done.push(pin); return {} } }, version: { unary: async () => ({ version: '1' }) }
    } as unknown as RpcHandlers
    const server = rpcServer({ streams: network.of('server'), trusts: () => true, handlers, log: silentLogger })
    await server.start(new AbortController().signal)
    const streams = network.of('client')
    const stream = await streams.open('server', rpcProtocol)

    await stream.write(encodeRequest(methods.logPin.name))
    const sending = (async () => { for await (const chunk of listOf(8 * MiB + 1).chunks) await stream.write(chunk) })().catch(() => {})
    await assert.rejects(readReply(new MsgpackStream(stream.source), text))
    await sending

    assert.ok(stream.wasReset.aborted)
    assert.deepEqual(done, [])
    const next = await streams.open('server', rpcProtocol)
    await next.write(encodeRequest(methods.version.name, { codec: methods.version.argument, value: {} }))
    assert.deepEqual(await readReply(new MsgpackStream(next.source), methods.version.reply), { value: { version: '1' } })
    await server.stop()
  })
})
