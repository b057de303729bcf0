import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parts } from '../../../src/http/request/multipart.ts'
import { quotedPrintable } from '../../../src/http/request/quoted-printable.ts'

async function * pieces (text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const decode = async (text: string, size = 1 << 16): Promise<string> =>
  Buffer.concat(await Array.fromAsync(quotedPrintable(pieces(text, size)))).toString('latin1')

/** What ipfs-cluster 1.1.6 (Go 1.26) makes of it. */
const cases: ReadonlyArray<readonly [given: string, expected: string]> = [
  ['a=3Db=\r\nc=E2=82=AC', 'a=bc\xe2\x82\xac'],
  ['a=3Db  \r\nx \t\n=\n', 'a=b\r\nx\n'],
  ['a=zzb', 'a=zzb'],
  ['a=3db=e2=', 'a=b\xe2'],
  ['a  ', 'a'],
  ['a=3Db= \r\nc', 'a=bc'],
  ['a=4', 'a=4'],
  ['a=\r\n\r\n=\r\nx=3', 'a\r\nx=3'],
  ['\xe9 =41\t.', '\xe9 A\t.'],
  ['', '']
]

describe('quoted-printable content', () => {
  for (const [given, expected] of cases) {
    it(`is decoded as by Go: ${JSON.stringify(given)}`, async () => {
      assert.equal(await decode(given), expected)
      assert.equal(await decode(given, 1), expected)
    })
  }

  it('is refused with Go\'s texts', async () => {
    await assert.rejects(decode('a\x01'), { status: 500, message: 'quotedprintable: invalid unescaped byte 0x01 in body' })
    await assert.rejects(decode('a=\rb'), { status: 500, message: 'quotedprintable: invalid hex byte 0x0d' })
    await assert.rejects(decode('='), { status: 500, message: 'quotedprintable: invalid bytes after =: ""' })
    await assert.rejects(decode('x'.repeat(4097), 100), { status: 500, message: 'bufio: buffer full' })
    await assert.rejects(decode(`${'x'.repeat(4097)}\n`), { status: 500, message: 'bufio: buffer full' })
  })

  it('is decoded in the part that says so, whatever its case; other encodings stay', async () => {
    const part = (encoding: string): string =>
      `--B\r\nContent-Disposition: form-data; filename="x"\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\na=3Db\r\n`
    const found: string[] = []

    for await (
      const { content, headers } of parts(pieces(`${part('QUOTED-printable ')}${part('binary')}${part('base64')}--B--\r\n`, 7), 'B')
    ) {
      found.push(`${Buffer.concat(await Array.fromAsync(content)).toString()} ${headers.get('content-transfer-encoding') ?? '-'}`)
    }

    assert.deepEqual(found, ['a=b -', 'a=3Db binary', 'a=3Db base64'])
  })
})
