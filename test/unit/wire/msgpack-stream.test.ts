import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MsgpackStream } from '../../../src/wire/msgpack-stream.ts'
import { MsgpackWriter } from '../../../src/wire/msgpack.ts'

const valuesOf = async (stream: MsgpackStream): Promise<string[]> => {
  const found: string[] = []
  for (let value = await stream.next(); value != null; value = await stream.next()) found.push(Buffer.from(value).toString('hex'))
  return found
}

async function * pieces (bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('MsgpackStream', () => {
  const parts = [(writer: MsgpackWriter) => writer.nil(), (writer: MsgpackWriter) => { writer.map(1); writer.raw('d'); writer.raw(new Uint8Array(100_000).fill(7)) },
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
})
