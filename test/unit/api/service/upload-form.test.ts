import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RequestBody } from '../../../../src/http/request/body.ts'
import { filePath, readUploadForm } from '../../../../src/api/service/v1/upload-form.ts'
import { uploadRequest } from '../../../../src/api/service/v1/upload-options.ts'
import { isClusterError } from '../../../../src/base/errors.ts'

const boundary = 'xyz'

/** A part as clients write it. */
const part = (disposition: string, content: string, type?: string): string =>
  `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n${type == null ? '' : `Content-Type: ${type}\r\n`}\r\n${content}\r\n`

function form (...parts: string[]): Parameters<typeof readUploadForm>[0] {
  const bytes = Buffer.from(`${parts.join('')}--${boundary}--\r\n`)
  async function * chunks (): AsyncGenerator<Buffer> { for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7) }
  return {
    raw: { contentType: `multipart/form-data; boundary=${boundary}`, chunks } as unknown as RequestBody,
    headers: { 'content-length': String(bytes.length) }
  }
}

async function filesOf (
  { files }: Awaited<ReturnType<typeof readUploadForm>>
): Promise<Array<[path: string, kind: string, type: string, content: string]>> {
  const found: Array<[string, string, string, string]> = []
  for await (const { entry, contentType } of files) {
    const content = entry.kind === 'file' ? Buffer.concat(await Array.fromAsync(entry.content)).toString() : ''
    found.push([entry.path, entry.kind, contentType, content])
  }
  return found
}

const refused = (err: unknown): boolean => isClusterError(err) && err.code === 'INVALID_ARGUMENT'

describe('form of an upload', () => {
  it('gives the fields before the first file, and the files', async () => {
    const read = await readUploadForm(
      form(
        part('name="pin"', 'on-access'), part('name="meta"', '{"a":"b"}'),
        part('name="file"; filename="a.txt"', 'hello', 'text/plain; charset=utf-8'), part('name="late"', 'x')
      )
    )

    assert.deepEqual({ ...read.fields }, { pin: 'on-access', meta: '{"a":"b"}' })
    assert.deepEqual(await filesOf(read), [['a.txt', 'file', 'text/plain', 'hello']])
  })

  it('knows exactly how long a single file is, from the length of the body', async () => {
    for (const content of ['', 'x', 'x'.repeat(5000)]) {
      const { mostBytes, files } = await readUploadForm(
        form(part('name="pin"', 'now'), part('name="file"; filename="a.txt"', content, 'text/plain'))
      )
      await files.return()

      assert.equal(mostBytes, content.length)
    }
  })

  it('takes many files with their paths, and empty directories', async () => {
    const read = await readUploadForm(
      form(
        part('name="file"; filename="d/a"', 'a'), part('name="file"; filename="d/empty"', '', 'application/x-directory'),
        part('name="other"; filename="d/e/b"', 'b')
      )
    )

    assert.deepEqual(
      (await filesOf(read)).map(([path, kind, , content]) => [path, kind, content]),
      [['d/a', 'file', 'a'], ['d/empty', 'directory', ''], ['d/e/b', 'file', 'b']]
    )
  })

  it('takes a field of the name "file" for one, and no empty choice of a browser', async () => {
    assert.deepEqual(await filesOf(await readUploadForm(form(part('name="file"', 'text')))), [['', 'file', '', 'text']])
    await assert.rejects(readUploadForm(form(part('name="file"; filename=""', ''))), refused)
    await assert.rejects(readUploadForm(form(part('name="pin"', 'now'))), refused)
  })

  it('keeps names as browsers write them, and leads nowhere out of the upload', () => {
    assert.equal(filePath('a+b %20 100%.txt'), 'a+b %20 100%.txt')
    assert.equal(filePath('say %22hi%22.txt'), 'say "hi".txt')
    assert.equal(filePath('../../etc/passwd'), 'etc/passwd')
    assert.equal(filePath('/abs/./x//y/'), 'abs/x/y')
    assert.throws(() => filePath('a\0b'), refused)
  })

  it('limits what it keeps in memory', async () => {
    await assert.rejects(readUploadForm(form(part('name="meta"', 'x'.repeat(65 * 1024)), part('name="file"; filename="a"', ''))), refused)
    await assert.rejects(
      readUploadForm(form(...Array.from({ length: 102 }, () => part('name="a"', '')), part('name="file"; filename="a"', ''))), refused
    )
  })
})

describe('options of an upload', () => {
  it('are those of the query, and of the form before them', () => {
    assert.deepEqual(uploadRequest({}, {}), { pin: 'now', format: 'file', name: '', group: null, meta: {} })
    assert.deepEqual(
      uploadRequest({ pin: 'now', group: 'g' }, { pin: 'on-access', directory: 'true', meta: '{"a":"b"}', name: 'n', unknown: 'x' }),
      { pin: 'on-access', format: 'directory', name: 'n', group: 'g', meta: { a: 'b' } }
    )
    assert.equal(uploadRequest({}, { format: 'car' }).format, 'car')
  })

  it('are refused when they mean nothing', () => {
    for (const fields of [
      { pin: 'later' }, { directory: 'yes' }, { format: 'zip' }, { meta: 'no json' }, { meta: '{"a":1}' },
      { directory: 'true', format: 'car' }
    ]) {
      assert.throws(() => uploadRequest({}, fields as unknown as Record<string, string>), refused, JSON.stringify(fields))
    }
  })
})
