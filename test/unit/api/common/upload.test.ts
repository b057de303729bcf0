import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { uploadEntries } from '../../../../src/api/common/upload.ts'
import { boundaryOf } from '../../../../src/http/request/multipart.ts'
import type { Part } from '../../../../src/http/request/multipart.ts'
import type { UploadEntry } from '../../../../src/model/add.ts'
import { quietMs } from '../../../support/poll.ts'

async function * content (sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let left = sizeBytes; left > 0; left -= 1000) yield Buffer.alloc(Math.min(left, 1000), 'x')
}

const part = (contentType: string, filename: string, sizeBytes: number): Part =>
  ({
    headers: new Map(), disposition: { type: 'form-data', params: new Map([['filename', filename]]) }, contentType, offset: 0,
    content: content(sizeBytes)
  })

const read = async (...parts: Part[]): Promise<UploadEntry[]> => Array.fromAsync(uploadEntries((async function * () { yield * parts })()))

describe('the limits of an upload', { timeout: quietMs(5000) }, () => {
  it('a symbolic link leads to a text of 64 KiB', async () => {
    const [link] = await read(part('application/symlink', 'a', 64 * 1024))

    assert.equal(link?.kind === 'symlink' ? link.target.length : 0, 64 * 1024)
    await assert.rejects(read(part('application/symlink', 'a', 64 * 1024 + 1)), { status: 400, message: 'symlink target too long' })
  })

  it('a path has 1024 levels', async () => {
    const pathOf = (levels: number): string => Array.from({ length: levels }, () => 'a').join('/')

    assert.equal((await read(part('', pathOf(1024), 1))).length, 1)
    await assert.rejects(read(part('', pathOf(1025), 1)), { status: 400, message: 'a path has more than 1024 levels' })
  })

  it('a boundary has 1024 characters', () => {
    const type = (length: number): string => `multipart/form-data; boundary=${'b'.repeat(length)}`

    assert.equal(boundaryOf(type(1024)).length, 1024)
    assert.throws(() => boundaryOf(type(1025)), { status: 400, message: 'multipart boundary too long' })
  })
})
