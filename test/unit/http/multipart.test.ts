import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseMediaType } from '../../../src/http/request/disposition.ts'
import type { MultipartOptions } from '../../../src/http/request/multipart.ts'
import { boundaryOf, parts } from '../../../src/http/request/multipart.ts'
import { quietMs } from '../../support/poll.ts'

interface Seen { name: string | undefined, type: string, content: string }

async function * inPieces (body: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
}

async function seen (body: string | Buffer, { size = 1 << 16, ...options }: MultipartOptions & { size?: number } = {}): Promise<Seen[]> {
  const out: Seen[] = []
  for await (const part of parts(inPieces(Buffer.from(body as string), size), 'Xb', options)) {
    const pieces: Uint8Array[] = []
    for await (const piece of part.content) pieces.push(Buffer.from(piece))
    out.push({ name: part.disposition?.params.get('filename'), type: part.contentType, content: Buffer.concat(pieces).toString('latin1') })
  }
  return out
}

const part = (headers: string, content: string): string => `--Xb\r\n${headers}\r\n\r\n${content}\r\n`

describe('multipart bodies', () => {
  const tricky = ['', '\r\n', 'a--Xb', '\r\n--X', '\r\n--Xbc\r\n', '\r\n--Xb-', '\r', 'a\r\n\r\n--X\r\n--Xb?', '\n--Xb\n']
  const body =
    `preamble\r\n--Xb?\r\n${tricky.map((content, at) => part(`Content-Disposition: file; filename="f${at}"`, content)).join('')}--Xb--\r\nepilogue --Xb`

  for (const size of [1, 2, 3, 5, 7, 16, 1000]) {
    it(`finds the parts whatever lies in them, read ${size} bytes at a time`, async () => {
      const found = await seen(body, { size })

      assert.deepEqual(found.map(({ content }) => content), tricky)
      assert.deepEqual(found.map(({ name }) => name), tricky.map((_content, at) => `f${at}`))
    })
  }

  it('takes line feeds alone, blanks after boundaries, folded headers and parts without content or headers', async () => {
    const found = await seen(
      '--Xb \t\nContent-Disposition: file;\n filename=a\nContent-Type: Text/Plain; x=y\n\nA\n--Xb\n\n--Xb\n\n\n--Xb--'
    )

    assert.deepEqual(
      found,
      [
        { name: 'a', type: 'text/plain', content: 'A' }, { name: undefined, type: '', content: '' },
        { name: undefined, type: '', content: '' }
      ]
    )
  })

  it('skips what a reader leaves', async () => {
    const names: Array<string | undefined> = []
    for await (
      const one of parts(
        inPieces(
          Buffer.from(
            `${part('Content-Disposition: a; filename=1', 'x'.repeat(99))}${part('Content-Disposition: a; filename=2', 'y')}--Xb--`
          ),
          10
        ),
        'Xb'
      )
    ) names.push(one.disposition?.params.get('filename'))

    assert.deepEqual(names, ['1', '2'])
  })

  it('has no parts in an empty body', async () => {
    assert.deepEqual(await seen('--Xb--\r\n'), [])
  })

  it('tells of a body that breaks off', async () => {
    for (const text of ['', 'nothing', '--Xb\r\nContent-Disp', '--Xb\r\n\r\n', part('A: b', 'x')]) {
      await assert.rejects(seen(text), { message: 'multipart: NextPart: EOF' }, text)
    }
    await assert.rejects(seen('--Xb\r\n\r\nhe', { onTruncated: 'throw' }), { message: 'unexpected EOF' })
  })

  it('gives what came of a part that breaks off', async () => {
    const pieces: string[] = []
    const reading = (async () => {
      for await (const one of parts(inPieces(Buffer.from('--Xb\r\n\r\nhe'), 4), 'Xb')) {
        for await (const piece of one.content) pieces.push(Buffer.from(piece).toString())
      }
    })()

    await assert.rejects(reading, { message: 'multipart: NextPart: EOF' })
    assert.equal(pieces.join(''), 'he')
  })

  it('refuses headers without a colon or without an end', async () => {
    await assert.rejects(seen('--Xb\r\nnonsense\r\n\r\n--Xb--'), /malformed MIME header/)
    await assert.rejects(seen(`--Xb\r\n${'a: b\r\n'.repeat(20_000)}\r\n--Xb--`), /too large/)
  })

  it('reads no further than asked, and lets go of the source when left', async () => {
    let [taken, left] = [0, false]
    const source = (async function * () {
      try {
        for (yield Buffer.from('--Xb\r\n\r\n'); ;) {
          taken++
          yield Buffer.alloc(1000)
        }
      } finally { left = true }
    })()
    for await (const one of parts(source, 'Xb')) {
      for await (const _piece of one.content) break
      break
    }

    assert.ok(taken <= 2)
    assert.ok(left)
  })

  it('wants a multipart type with a boundary', () => {
    assert.equal(boundaryOf('multipart/mixed; boundary="a b"'), 'a b')
    assert.equal(boundaryOf('Multipart/Form-Data; charset=x; boundary=Xb'), 'Xb')
    for (const type of ['', 'text/plain', 'multipart/other; boundary=x', 'multipart/form-data; boundary']) {
      assert.throws(() => boundaryOf(type), { status: 400, message: 'request Content-Type isn\'t multipart/form-data' })
    }
    assert.throws(() => boundaryOf('multipart/form-data'), { status: 400, message: 'no multipart boundary param in Content-Type' })
  })

  it('takes headers of 64 KiB and refuses more', { timeout: quietMs(5000) }, async () => {
    // the empty line is one of them
    const body = (size: number): string => `--Xb\r\nA: ${'a'.repeat(size - 'A: \r\n\r\n'.length)}\r\n\r\nx\r\n--Xb--\r\n`

    assert.equal((await seen(body(64 * 1024))).length, 1)
    await assert.rejects(seen(body(64 * 1024 + 1)), { status: 400 })
  })

  it('reads a long header in pieces of a byte', { timeout: quietMs(10_000) }, async () => {
    const body = `--Xb\r\n${'B: b\r\n'.repeat(10)}A: ${'a'.repeat(64_000)}\r\n\r\nx\r\n--Xb--\r\n`

    assert.deepEqual((await seen(body, { size: 1 })).map(({ content }) => content), ['x'])
  })
})

describe('media types', () => {
  const filename = (text: string): string | undefined => parseMediaType(text)?.params.get('filename')

  it('reads tokens, quotes and escapes', () => {
    assert.equal(filename('file; filename=a.txt'), 'a.txt')
    assert.equal(filename('form-data; name="x"; FileName="a \\"b\\" ;c" ;'), 'a "b" ;c')
    assert.equal(filename('form-data; filename="C:\\dir\\a"'), 'C:\\dir\\a')
    assert.equal(filename('attachment; filename*=UTF-8\'\'%C3%BC.txt'), 'ü.txt')
  })

  it('takes nothing from what is broken', () => {
    for (const text of ['', ';', 'a b', 'form-data; filename', 'form-data; filename="a', 'form-data; a=1; a=2', 'form-data; =x']) {
      assert.equal(parseMediaType(text), null, text)
    }
  })
})
