import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tarEnd, tarHeader, tarPadding } from '../../../../src/api/common/dag/tar.ts'
import { isClusterError } from '../../../../src/base/errors.ts'
import { tarOf } from '../../../../src/client/service/tar-of.ts'
import { tarEntries } from '../../../../src/service/uploads/tar-entries.ts'

const mtime = { seconds: 0, nanoseconds: 0 }
type Entry = { name: string, type?: 'file' | 'directory' | 'symlink', content?: string, target?: string }

const tarWith = (...entries: Entry[]): Buffer => Buffer.concat([...entries.flatMap(({ name, type = 'file', content = '', target }) => {
  const bytes = Buffer.from(content)
  return [
    tarHeader({ name, type, sizeBytes: bytes.length, mode: 0o644, mtime, ...(target == null ? {} : { target }) }), bytes,
    tarPadding(bytes.length)
  ]
}), tarEnd])

async function * inPieces (bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** Path and text of each; directories end with a slash. */
async function read (bytes: Uint8Array, pieceBytes = 1000): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const entry of tarEntries(inPieces(bytes, pieceBytes))) {
    if (entry.kind === 'file') found[entry.path] = Buffer.concat(await Array.fromAsync(entry.content)).toString()
    else found[`${entry.path}/`] = ''
  }
  return found
}

const isInvalid = (err: unknown): boolean => isClusterError(err, 'INVALID_ARGUMENT')

describe('a tar as an upload', () => {
  it('has its files and directories, however it is cut', async () => {
    const tar = tarWith(
      { name: 'site/', type: 'directory' }, { name: 'site/index.html', content: '<h1>' },
      { name: './site//css/a.css', content: 'x'.repeat(1300) }, { name: 'site/empty' }
    )

    const read1 = await read(tar, 1)
    const read700 = await read(tar, 700)

    assert.deepEqual(read700, { 'site/': '', 'site/index.html': '<h1>', 'site/css/a.css': 'x'.repeat(1300), 'site/empty': '' })
    assert.deepEqual(read1, read700)
  })

  it('takes names of any length and script', async () => {
    const names = [`folder/${'n'.repeat(255)}`, 'folder/שלום עולם', `folder/${'ü'.repeat(120)}`, 'folder/<b>&"\n']

    const found = await read(tarWith(...names.map(name => ({ name, content: name }))))

    assert.deepEqual(found, Object.fromEntries(names.map(name => [name, name])))
  })

  it('is what tarOf makes', async () => {
    const files = [
      { path: 'f/a', content: new Blob(['alpha']) }, { path: `f/${'é'.repeat(127)}`, content: new Blob(['x'.repeat(512)]) },
      { path: 'f/none', content: new Blob([]) }
    ]

    const tar = tarOf(files)

    assert.equal(tar.size % 512, 0)
    assert.deepEqual(
      await read(new Uint8Array(await tar.arrayBuffer())), { 'f/a': 'alpha', [`f/${'é'.repeat(127)}`]: 'x'.repeat(512), 'f/none': '' }
    )
  })

  it('goes on behind content that nobody read', async () => {
    const paths: string[] = []

    for await (const entry of tarEntries(inPieces(tarWith({ name: 'a', content: 'x'.repeat(5000) }, { name: 'b', content: 'y' }), 300))) {
      paths.push(entry.path)
    }

    assert.deepEqual(paths, ['a', 'b'])
  })

  it('counts what is content', async () => {
    let bytes = 0

    for await (
      const entry of tarEntries(
        inPieces(tarWith({ name: 'a', content: 'x'.repeat(5000) }, { name: 'b', content: 'y' }), 300),
        { onContent: more => { bytes += more } }
      )
    ) {
      if (entry.kind === 'file') for await (const _piece of entry.content) { /* is counted */ }
    }

    assert.equal(bytes, 5001)
  })

  it('refuses what leads out of it, links, and what is no tar', async () => {
    const link = tarWith({ name: 'link', type: 'symlink', target: '/etc' })
    const broken = tarWith({ name: 'a', content: 'x'.repeat(2000) }).subarray(0, 1024)

    for (const bytes of [tarWith({ name: 'a/../../b' }), link, broken, Buffer.from('no tar at all'), Buffer.alloc(512, 'a')]) {
      await assert.rejects(read(bytes), isInvalid)
    }
  })

  it('does not keep a header in memory that announces itself as large', async () => {
    const head = Buffer.from(tarHeader({ name: 'pax', type: 'file', sizeBytes: 2 ** 30, mode: 0, mtime }))
    head.write('x', 156)
    head.write('        ', 148)
    head.write(`${head.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148)
    let asked = 0
    const endless = async function * (): AsyncGenerator<Uint8Array> {
      yield head
      for (; asked < 100; asked++) yield Buffer.alloc(1024)
    }

    await assert.rejects(Array.fromAsync(tarEntries(endless())), isInvalid)

    assert.equal(asked, 0)
  })
})
