import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MsgpackStream } from '../../../src/wire/msgpack-stream.ts'
import { MsgpackWriter } from '../../../src/wire/msgpack.ts'
import { quietMs } from '../../support/poll.ts'
import { busyMs } from '../../support/busy-time.ts'

const valuesOf = async (stream: MsgpackStream): Promise<string[]> => {
  const found: string[] = []
  for (let value = await stream.next(); value != null; value = await stream.next()) found.push(Buffer.from(value).toString('hex'))
  return found
}

async function * pieces (bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('MsgpackStream', () => {
  const parts = [(writer: MsgpackWriter) =>
    writer.nil(), (writer: MsgpackWriter) => { writer.map(1); writer.raw('d'); writer.raw(new Uint8Array(100_000).fill(7)) },
    (writer: MsgpackWriter) => writer.int(-40000)].map(write => {
    const writer = new MsgpackWriter()
    write(writer)
    return Buffer.from(writer.bytes())
  })

  it('finds the values however the stream is cut', async () => {
    for (const size of [1, 7, 1000, 1 << 20]) {
      const found = await valuesOf(new MsgpackStream(pieces(Buffer.concat(parts), size)))

      assert.deepEqual(found, parts.map(part => part.toString('hex')))
    }
  })

  it('says when the stream ends inside a value', async () => {
    const stream = new MsgpackStream(pieces(Buffer.concat(parts).subarray(0, 5000), 900))

    await stream.next()

    await assert.rejects(stream.next(), { code: 'INVALID_DATA' })
  })

  /** Four levels of sixteen: so little is announced at a time that the end is always near. */
  const tree = (writer: MsgpackWriter, level = 0): void => {
    if (level === 4) return writer.raw('fifteen letters')
    writer.array(16)
    for (let at = 0; at < 16; at++) tree(writer, level + 1)
  }

  // the tree took seconds when all was joined and measured again with each piece; each takes less than 50 ms on a quiet machine
  for (const [what, write] of [
    ['one long value', (writer: MsgpackWriter) => writer.raw(new Uint8Array(1 << 20))],
    ['a tree of lists', (writer: MsgpackWriter) => tree(writer)],
    [
      'a list of half a million short values',
      (writer: MsgpackWriter) => { writer.array(524_288); for (let at = 0; at < 524_288; at++) writer.raw('x') }
    ]
  ] as const) {
    it(`reads 1 MiB in pieces of 64 bytes at once: ${what}`, async () => {
      const writer = new MsgpackWriter()
      write(writer)
      const bytes = Buffer.from(writer.bytes())

      const from = busyMs()
      const found = await new MsgpackStream(pieces(bytes, 64)).next()

      assert.ok(bytes.equals(found as Uint8Array))
      // no timer comes to its turn meanwhile: the time is looked at afterwards
      assert.ok(busyMs() - from < 4000)
    })
  }

  it('refuses a value that is longer than it may be, before it is read', { timeout: quietMs(1000) }, async () => {
    let read = 0
    const endless = async function * (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('da0400', 'hex')
      for (;;) yield new Uint8Array(++read)
    }

    await assert.rejects(new MsgpackStream(endless()).next({ valueBytes: 1026 }), { code: 'INVALID_DATA' })
    assert.equal(read, 0)
  })

  it('takes a value that is as long as it may be', async () => {
    const bytes = Buffer.concat([Buffer.from('da0400', 'hex'), Buffer.alloc(1024)])

    assert.equal((await new MsgpackStream(pieces(bytes, 100)).next({ valueBytes: 1027 }))?.length, 1027)
  })
})
