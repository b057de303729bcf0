import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import { jsonValues } from '../../../src/state/json-values.ts'
import { quietMs } from '../../support/poll.ts'

async function * pieces (text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read (text: string, size = 7): Promise<Array<[unknown, number]>> {
  const found: Array<[unknown, number]> = []
  for await (const values of jsonValues(pieces(text, size))) for (const { value, line } of values) found.push([value, line])
  return found
}

const failsAt = (line: number, why: RegExp) => (err: unknown): boolean =>
  isClusterError(err, 'INVALID_DATA') && err.details.line === line && err.message.startsWith(`line ${line}: `) && why.test(err.message)

describe('JSON objects in a stream', () => {
  it('are found however they are spread over lines and chunks', async () => {
    const text = '\ufeff{"a":"名前 \\" } \\\\"}{"b":[{"c":{}}]}\n\n  {\n "d": "{[",\n "e": 1\n}\r\n'

    const results = await Promise.all([1, 2, 3, 5, 1000].map(async size => read(text, size)))

    for (const result of results) assert.deepEqual(result, [[{ a: '名前 " } \\' }, 1], [{ b: [{ c: {} }] }, 1], [{ d: '{[', e: 1 }, 3]])
  })

  it('may be none', async () => {
    const found = await read(' \n\n')

    assert.deepEqual(found, [])
  })

  it('that are damaged are told with their line', async () => {
    await assert.rejects(read('{"a":1}\n{"a":}\n{"a":2}\n'), failsAt(2, /not valid JSON/))
    await assert.rejects(read('{"a":1}\n{\n"a":1,\n,}\n'), failsAt(4, /not valid JSON/))
    await assert.rejects(read('{"a":1}\nhello'), failsAt(2, /expected, not "h"/))
    await assert.rejects(read('[{"a":1}]'), failsAt(1, /expected, not "\["/))
    await assert.rejects(read('{"a":1}\n\n{"a":"text\n"}'), failsAt(3, /middle of a text/))
  })

  it('that are cut off are told where they begin or where the next one begins', async () => {
    await assert.rejects(read('{"a":1}\n{"a":'), failsAt(2, /file ends/))
    await assert.rejects(read('{"a":1}\n{"a":2,\n{"a":3}\n{"a":4}\n'), failsAt(3, /not valid JSON/))
    await assert.rejects(read(`{"a":1}\n{"a":[\n${'{"a":3},\n'.repeat(200_000)}`, 65_536), failsAt(2, /more than/))
  })

  it('may nest 64 values, and no more', { timeout: quietMs(5000) }, async () => {
    const nested = (depth: number): string => `\n${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`

    assert.equal((await read(nested(64))).length, 1)
    for (const depth of [65, 100_000]) {
      await assert.rejects(read(nested(depth), 65_536), failsAt(2, /more than 64 values are nested in each other$/))
    }
  })

  it('may have a megabyte, and no more, in whatever pieces they come', { timeout: quietMs(5000) }, async () => {
    const most = 1024 * 1024
    const valueOf = (sizeBytes: number): string => `\n{"a":"${'x'.repeat(sizeBytes - 8)}"}\n{"b":1}`

    for (const pieceBytes of [65_536, 4 * most]) {
      assert.equal((await read(valueOf(most), pieceBytes)).length, 2)
      await assert.rejects(read(valueOf(most + 1), pieceBytes), failsAt(2, /a pin of more than 1048576 bytes$/))
    }
  })
})
