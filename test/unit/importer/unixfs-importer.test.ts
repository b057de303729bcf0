import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { decode } from '@ipld/dag-pb'
import { describe, it } from 'node:test'
import type { UploadEntry } from '../../../src/model/add.ts'
import { dagParams, fileEntry, pattern251 } from '../../support/add-vectors.ts'
import { identityCid } from '../../support/blocks.ts'
import { eachOf, importAll, importEntries, KeepingSink, showOutput } from '../../support/imports.ts'
import { quietMs } from '../../support/poll.ts'

const emptyDirectory = 'QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn'
const directory = (path: string): UploadEntry => ({ kind: 'directory', path })
type Entry = () => UploadEntry
const rootOf = async (entries: UploadEntry[]): Promise<string> => String((await importAll(entries)).at(-1)?.cid)
const namesOf = (outputs: Array<{ name: string }>): string[] => outputs.map(({ name }) => name)

/** A file whose content counts how far it was read. */
function endless (path: string, pieceBytes = 65536): { entry: UploadEntry, read: { pieces: number, closed: boolean } } {
  const read = { pieces: 0, closed: false }
  async function * content (): AsyncGenerator<Uint8Array> {
    try {
      for (;; read.pieces++) yield new Uint8Array(pieceBytes).fill(read.pieces)
    } finally {
      read.closed = true
    }
  }
  return { entry: { kind: 'file', path, content: content() }, read }
}

async function * truncated (): AsyncGenerator<Uint8Array> {
  yield pattern251(1000)
  throw new Error('multipart: NextPart: EOF')
}

const turn = async (): Promise<void> => await new Promise(resolve => setImmediate(resolve))

describe('names and order of lines', () => {
  it('closes a top-level directory when an entry lies outside, and what comes later for it is in it at the end', async () => {
    const roots: string[] = []
    const outputs = await importAll([
      fileEntry('d/a', '1'), fileEntry('de/b', '2'), fileEntry('d/c', '3'), directory('d'), fileEntry('e', '4')
    ], {
      options: { onRoot: (_, name) => roots.push(name) }
    })

    assert.deepEqual(namesOf(outputs), ['d/a', 'd', 'de/b', 'de', 'd/c', 'e', 'd', 'e'])
    assert.deepEqual(roots, ['d', 'de', 'e', 'd', 'e'])
    assert.equal(String(outputs[6]?.cid), await rootOf([fileEntry('d/a', '1'), fileEntry('d/c', '3')]))
  })

  it('takes entries for directories in any order and any number of times, at top level and below', async () => {
    const [a, b, c] = [['d/a', '1'], ['d/s/b', '2'], ['d/s/t/c', '3']].map(
      ([path = '', text = '']) => () => fileEntry(path, text)
    ) as [Entry, Entry, Entry]
    const usual = await rootOf([directory('d'), a(), directory('d/s'), b(), directory('d/s/t'), c()])

    for (const order of [
      [a(), b(), c(), directory('d/s/t'), directory('d/s'), directory('d')],
      [c(), directory('d/s/t'), b(), directory('d/s'), a(), directory('d')],
      [directory('d'), a(), directory('d'), b(), directory('d/s'), directory('d'), c(), directory('d/s')],
      [directory('d/s'), a(), b(), directory('d/s'), c(), directory('d'), directory('d')]
    ]) assert.equal(await rootOf(order), usual)
  })

  it('keeps the files of several top-level directories whose own entries come at the end', async () => {
    const roots = new Map<string, string>()
    let last = ''

    const outputs = await importAll([fileEntry('d/a', '1'), fileEntry('e/b', '2'), directory('e'), directory('d')], {
      options: { onRoot: (cid, name) => { roots.set(name, String(cid)); last = name } }
    })

    assert.equal(roots.get('d'), await rootOf([fileEntry('d/a', '1')]))
    assert.equal(roots.get('e'), await rootOf([fileEntry('e/b', '2')]))
    assert.deepEqual([last, outputs.at(-1)?.name, String(outputs.at(-1)?.cid)], ['d', 'd', roots.get('d')])
  })

  it('makes a top-level directory twice at most, however often others come in between', async () => {
    const entries = Array.from({ length: 200 }, (_, at) => fileEntry(`${at % 2 === 0 ? 'd' : 'e'}/${at}`, 'x'))

    const outputs = await importAll(entries)

    assert.deepEqual([...new Set(namesOf(outputs.filter(({ name }) => !name.includes('/'))))], ['d', 'e'])
    assert.equal(outputs.filter(({ name }) => !name.includes('/')).length, 4)
  })

  it('gathers everything under the wrapper', async () => {
    const outputs = await importAll(
      [fileEntry('d/a', '1'), fileEntry('e/b', '2'), fileEntry('d/c', '3'), fileEntry('f', '4')], { options: { wrap: true } }
    )

    assert.deepEqual(namesOf(outputs), ['d/a', 'e/b', 'd/c', 'f', 'd', 'e', ''])
  })

  it('wraps, when it is to, only what is not all in one directory', async () => {
    const importing = async (entries: UploadEntry[]) => {
      const roots: string[] = []
      const outputs = await importAll(entries, { options: { wrap: 'unless-one-directory', onRoot: root => roots.push(String(root)) } })
      return { names: namesOf(outputs), roots }
    }
    const plain = await importAll([fileEntry('d/a', '1'), fileEntry('d/e/b', '2')])

    const one = await importing([fileEntry('d/a', '1'), fileEntry('d/e/b', '2')])
    const bare = await importing([fileEntry('a', '1'), fileEntry('e/b', '2')])
    const two = await importing([fileEntry('d/a', '1'), fileEntry('f/b', '2')])

    assert.deepEqual(one, { names: namesOf(plain), roots: [String(plain.at(-1)?.cid)] })
    assert.deepEqual(bare, { names: ['a', 'e/b', 'e', ''], roots: one.roots })
    assert.deepEqual(two.names, ['d/a', 'f/b', 'd', 'f', ''])
  })

  it('keeps an empty directory that is all there is', async () => {
    const roots: string[] = []

    await importAll([directory('d')], { options: { wrap: 'unless-one-directory', onRoot: root => roots.push(String(root)) } })

    assert.deepEqual(roots, [emptyDirectory])
  })

  it('lists subdirectories in the order of their bytes, the deepest first', async () => {
    const outputs = await importAll(
      ['r/\u{1f600}/x', 'r/\uffee/x', 'r/b/c/x', 'r/a10/x', 'r/a2/x', 'r/B/x'].map(path => fileEntry(path, 'x'))
    )

    assert.deepEqual(namesOf(outputs).slice(6), ['r/B', 'r/a10', 'r/a2', 'r/b/c', 'r/b', 'r/\uffee', 'r/\u{1f600}', 'r'])
  })

  it('gives a file without a name its CID as the name in the wrapper', async () => {
    const sink = new KeepingSink()
    const [file] = await importAll([fileEntry('', 'hello')], { sink, options: { wrap: true } })

    assert.equal(file?.name, '')
    assert.deepEqual(decode(sink.blocks.at(-1)?.bytes ?? new Uint8Array(0)).Links.map(({ Name }) => Name), [String(file?.cid)])
  })

  it('tells each root before its line', async () => {
    const events: string[] = []
    const onRoot = (_: unknown, name: string): void => { events.push(`root ${name}`) }
    const entries = eachOf([fileEntry('a', '1'), fileEntry('d/b', '2')])
    for await (const { name } of importEntries(entries, dagParams(), new KeepingSink(), { wrap: false, progress: false, onRoot })) {
      events.push(name)
    }

    assert.deepEqual(events, ['root a', 'a', 'd/b', 'root d', 'd'])
  })

  it('yields nothing for an upload without entries', async () => {
    const roots: unknown[] = []

    assert.deepEqual(await importAll([], { options: { wrap: true, onRoot: root => roots.push(root) } }), [])
    assert.deepEqual(roots, [])
  })
})

describe('progress', () => {
  it('comes every 256 KiB and at the end, named inside the root', async () => {
    const outputs = await importAll(
      [fileEntry('p.bin', pattern251(600_000), 1000), fileEntry('d/s/q', 'x')], { options: { progress: true } }
    )

    assert.deepEqual(outputs.filter(({ cid }) => cid == null).map(showOutput), [' +262144', ' +524288', ' +600000', 's/q +1'])
  })

  it('is named by the whole path under a wrapper', async () => {
    const outputs = await importAll([fileEntry('d/q', 'x')], { options: { progress: true, wrap: true } })

    assert.equal(outputs.map(showOutput)[0], 'd/q +1')
  })

  it('comes while the file is read, and closing the lines closes the content', async () => {
    const { entry, read } = endless('big')
    const lines: string[] = []

    for await (const output of importEntries(eachOf([entry]), dagParams(), new KeepingSink(), { wrap: false, progress: true })) {
      lines.push(showOutput(output))
      if (lines.length === 2) break
    }

    assert.deepEqual(lines, [' +262144', ' +524288'])
    assert.ok(read.closed)
  })
})

describe('names that clash', () => {
  it('lets a later file or link replace an earlier one', async () => {
    const twice = await importAll([fileEntry('d/a', '1'), { kind: 'symlink', path: 'd/a', target: 't' }, fileEntry('d/a', '22')])
    const once = await importAll([fileEntry('d/a', '22')])

    assert.equal(showOutput(twice.at(-1)!), showOutput(once.at(-1)!))
  })

  it('refuses a name that is a file and a directory', async () => {
    await assert.rejects(importAll([fileEntry('d/a', '1'), fileEntry('d/a/b', '2')]), { code: 'INVALID_ARGUMENT' })
    await assert.rejects(
      importAll([fileEntry('d/a/b', '1'), fileEntry('d/a', '2')]),
      { code: 'INVALID_ARGUMENT', message: 'directory already has entry by that name' }
    )
  })
})

describe('options that are refused', () => {
  const refused: Array<[Record<string, string>, string]> = [
    [{ 'cid-version': '2' }, 'bad CID Version: unknown CID version: 2'],
    [{ hash: 'bogus', 'cid-version': '1' }, 'hash function name not known'],
    [{ hash: 'constructor', 'cid-version': '1' }, 'hash function name not known'],
    [{ hash: 'x11', 'cid-version': '1' }, 'unknown multihash code 4352 (0x1100): no such hash registered'],
    [{ hash: 'sha2-512' }, 'invalid cid: invalid v0 prefix'],
    [{ chunker: 'bogus' }, 'unrecognized chunker option: bogus'],
    [{ nocopy: 'true' }, "missing file path or URL, can't create filestore reference"]
  ]
  for (const [query, message] of refused) {
    it(message, async () => {
      const sink = new KeepingSink()

      await assert.rejects(importAll([fileEntry('a', 'hello')], { query, sink }), { code: 'INVALID_ARGUMENT', message })
      assert.deepEqual(sink.blocks, [])
    })
  }

  for (const hash of ['murmur3-x64-64', 'md5', 'blake2b-152', 'identity']) {
    it(`${hash}: lines come, blocks don't, then the add fails as with Kubo`, async () => {
      const sink = new KeepingSink()
      const names: string[] = []

      const failing = importAll([fileEntry('a', pattern251(1000))], {
        query: { hash, 'cid-version': '1' }, sink, options: { onRoot: (_, name) => names.push(name) }
      })

      await assert.rejects(failing, { code: 'IPFS_ERROR', message: 'failed to put block on all destinations' })
      assert.deepEqual(names, ['a'])
      assert.deepEqual(sink.blocks, [])
    })
  }

  it('takes short identity digests', async () => {
    const [file] = await importAll([fileEntry('a', 'hello')], { query: { hash: 'identity', 'cid-version': '1' } })

    assert.equal(String(file?.cid), String(identityCid('hello')))
  })
})

describe('the sink', () => {
  it('gets batches of 1 MiB of large leaves, and of about a thousand small files', async () => {
    const large = new KeepingSink()
    const small = new KeepingSink()

    await importAll([fileEntry('a', pattern251(8 << 20))], { sink: large, query: { 'cid-version': '1' } })
    await importAll(Array.from({ length: 2400 }, (_, i) => fileEntry(`d/${i}`, 'x')), { sink: small })

    assert.deepEqual(new Set(large.batches.slice(0, -1)), new Set([4]))
    assert.deepEqual(new Set(small.batches.slice(0, -1)), new Set([1016]))
  })

  it('gets children before parents, each block once, and bytes that match the CIDs after all is done', async () => {
    const sink = new KeepingSink()

    await importAll([fileEntry('d/a', pattern251(500_000), 1000), fileEntry('d/b/c', 'x')], { sink, query: { chunker: 'size-1000' } })

    const seen = new Set<string>()
    for (const { cid, bytes } of sink.blocks) {
      assert.ok(Buffer.compare(hash('sha256', bytes, 'buffer'), cid.multihash.digest) === 0)
      for (const { Hash } of decode(bytes).Links) assert.ok(seen.has(String(Hash)))
      seen.add(String(cid))
    }
  })

  it('holds the reading up while it writes', async () => {
    const { entry, read } = endless('big')
    let writes = 0
    const begun = Promise.withResolvers<void>()
    const stuck = Promise.withResolvers<void>()
    const write = async (): Promise<void> => {
      writes++
      begun.resolve()
      await stuck.promise
    }
    const controller = new AbortController()
    const reading = importAll(eachOf([entry]), { options: { signal: controller.signal }, sink: { write } })
    await begun.promise
    for (let turns = 0; turns < 100; turns++) await turn()

    assert.equal(writes, 1)
    assert.ok(read.pieces * 65536 <= 4 << 20)
    controller.abort(new Error('enough'))
    stuck.resolve()
    await assert.rejects(reading, { message: 'enough' })
    assert.ok(read.closed)
  })

  it('fails the import, which then closes the content', async () => {
    const { entry, read } = endless('big')
    let writes = 0
    const sink = { write: async () => { if (++writes === 3) throw new Error('disk full') } }

    await assert.rejects(importAll(eachOf([entry]), { sink }), { message: 'disk full' })
    assert.equal(writes, 3)
    assert.ok(read.closed)
  })

  it('fails the import with its last batch too', async () => {
    await assert.rejects(
      importAll([fileEntry('a', 'x')], { sink: { write: async () => { throw new Error('disk full') } } }), { message: 'disk full' }
    )
  })

  it('is not being written to any more when an import was given up', async () => {
    const { entry } = endless('big')
    let open = 0
    const controller = new AbortController()
    const write = async (): Promise<void> => {
      open++
      await turn()
      controller.abort(new Error('enough'))
      for (let turns = 0; turns < 5; turns++) await turn()
      open--
    }

    await assert.rejects(importAll(eachOf([entry]), { sink: { write }, options: { signal: controller.signal } }), { message: 'enough' })
    assert.equal(open, 0)
  })

  it('sees a failure of the content as the failure of the import', async () => {
    await assert.rejects(importAll([{ kind: 'file', path: 'a', content: truncated() }]), { message: 'multipart: NextPart: EOF' })
  })
})

describe('blocks for sharded adds', () => {
  it('come in the order in which Go makes them, before the line that follows', async () => {
    const sink = new KeepingSink()
    const writtenAtLine: number[] = []
    const entries = eachOf([fileEntry('a', pattern251(2000)), fileEntry('b', 'x')])
    for await (
      const _ of importEntries(entries, dagParams({ chunker: 'size-1000' }), sink, { wrap: false, progress: false, scratchBlocks: true })
    ) {
      writtenAtLine.push(sink.blocks.length)
    }

    const links = sink.blocks.map(({ bytes }) => decode(bytes).Links.length)
    assert.deepEqual(links, [0, 0, 2, 0, 1, 0, 2])
    assert.deepEqual(writtenAtLine, [4, 6])
    assert.equal(sink.cids[3], emptyDirectory)
  })

  it('have no scratch directory around files in a wrapper', async () => {
    const sink = new KeepingSink()

    await importAll([fileEntry('a', 'x')], { sink, options: { wrap: true, scratchBlocks: true } })

    assert.deepEqual(sink.blocks.map(({ bytes }) => decode(bytes).Links.map(({ Name }) => Name)), [[], [], ['a']])
  })
})

describe('deep and wide uploads', { timeout: quietMs(10_000) }, () => {
  const file = (path: string): UploadEntry => ({ kind: 'file', path, content: eachOf([Buffer.from('x')]) })
  const pathOf = (levels: number): string => Array.from({ length: levels }, () => 'a').join('/')

  it('may have paths of 1024 levels, and no more', async () => {
    const lines = await importAll([file(pathOf(1024))])

    assert.equal(lines.length, 1024)
    assert.equal(lines.at(-1)?.name, 'a')
    await assert.rejects(importAll([file(pathOf(1025))]), { code: 'INVALID_ARGUMENT', message: 'a path has more than 1024 levels' })
    await assert.rejects(importAll([{ kind: 'directory', path: pathOf(1025) }]), { code: 'INVALID_ARGUMENT' })
  })

  it('give others their turn, also when they have no content', async () => {
    let turns = 0
    let isOver = false
    const count = (): void => { turns++; if (!isOver) setImmediate(count) }
    setImmediate(count)

    await importAll(Array.from({ length: 6400 }, (_, at) => ({ kind: 'directory', path: `d/${at}` })))
    isOver = true

    assert.ok(turns >= 200, `${turns} turns`)
  })
})
