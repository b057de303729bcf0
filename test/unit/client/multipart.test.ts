import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { multipart } from '../../../src/client/multipart.ts'
import type { UploadEntry } from '../../../src/client/multipart.ts'

async function textOf (entries: Iterable<UploadEntry> | AsyncIterable<UploadEntry>): Promise<string> {
  const body = multipart(entries, 'B').body()
  if (body instanceof Blob) return body.text()
  return Buffer.concat(await Array.fromAsync(body)).toString()
}

const entries: UploadEntry[] = [
  { path: 'dir', directory: true, mode: 2 ** 31 + 0o755, mtime: { seconds: 1795219679, nanoseconds: 111772637 } },
  { path: 'dir/a ü.txt', content: 'second file', mode: 0o644, mtime: { seconds: 5, nanoseconds: 0 }, absolutePath: '/x/dir/a.txt' },
  { path: 'dir/link', symlink: 'a.txt' }
]

const expected = [
  '--B',
  'Content-Disposition: form-data; name="file?mode=020000000755&mtime=1795219679&mtime-nsecs=111772637"; filename="dir"',
  'Content-Type: application/x-directory',
  '',
  '',
  '--B',
  'Abspath-Encoded: %2Fx%2Fdir%2Fa.txt',
  'Content-Disposition: form-data; name="file?mode=0644&mtime=5"; filename="dir%2Fa+%C3%BC.txt"',
  'Content-Type: application/octet-stream',
  '',
  'second file',
  '--B',
  'Content-Disposition: form-data; name="file"; filename="dir%2Flink"',
  'Content-Type: application/symlink',
  '',
  'a.txt',
  '--B--',
  ''
].join('\r\n')

describe('multipart body', () => {
  it('is what the Go client sends', async () => {
    assert.equal(await textOf(entries), expected)
  })

  it('is a blob when all contents are at hand, a stream otherwise; both the same', async () => {
    const streamed: UploadEntry[] = entries.map(
      entry => 'content' in entry ? { ...entry, content: async function * () { yield new TextEncoder().encode('second file') } } : entry
    )

    assert.ok(multipart(entries, 'B').body() instanceof Blob)
    assert.ok(!(multipart(streamed, 'B').body() instanceof Blob))
    assert.equal(await textOf(streamed), expected)
  })

  it('takes entries as they are found, blobs and bytes among them', async () => {
    const found = async function * (): AsyncGenerator<UploadEntry> {
      yield { path: 'a', content: new Blob(['blob']) }
      yield { path: 'b', content: new TextEncoder().encode('bytes') }
    }

    const text = await textOf(found())

    assert.match(text, /filename="a"[^]*\r\n\r\nblob\r\n--B[^]*filename="b"[^]*\r\n\r\nbytes\r\n--B--\r\n$/)
  })

  it('can be made again for another attempt', async () => {
    const made = multipart([{ path: 'a', content: async function * () { yield new Uint8Array([97]) } }], 'B')

    const [first, second] = await Promise.all(
      [made.body(), made.body()].map(async body => Buffer.concat(await Array.fromAsync(body as AsyncIterable<Uint8Array>)).toString())
    )

    assert.equal(first, second)
  })
})
