import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { base32 } from '../../../src/base/text/base32.ts'
import type { FollowedFile } from '../../../src/client/service/types.ts'
import { filesQueryOf, filterOf, sortBy } from '../../../src/web/pages/files/list/files-query.ts'
import { progressOf, replicasOf } from '../../../src/web/pages/files/file/file-texts.ts'
import { countOf, pendingKind } from '../../../src/web/pages/files/list/pending-changes.ts'
import { previewKindOf } from '../../../src/web/pages/files/retrieve/preview-kind.ts'
import { chosenOf, isSelected, nothing, selectedCount, toggled } from '../../../src/web/pages/files/list/selection.ts'
import { ShardWalk } from '../../../src/web/pages/files/retrieve/shard-walk.ts'
import { unixFsBlockOf } from '../../../src/web/pages/files/retrieve/unixfs-block.ts'

const file = (more: Partial<FollowedFile>): FollowedFile => ({
  cid: 'c1', original_filename: 'Report.pdf', size: 1, content_type: '', pinned: true, uploaded_at: '', state: 'pinned', error: null,
  kind: 'file', origin: 'upload', group: null, meta: {}, view_count: 0, last_accessed_at: null, info: {}, ...more
})

describe('marked files', () => {
  it('are some, or all but some', () => {
    const some = toggled(toggled(nothing, ['a', 'b'], true), ['a'], false)
    const all = toggled({ kind: 'all', except: new Set() }, ['x'], false)

    assert.deepEqual([isSelected(some, 'a'), isSelected(some, 'b'), selectedCount(some, 10)], [false, true, 1])
    assert.deepEqual([isSelected(all, 'x'), isSelected(all, 'y'), selectedCount(all, 10)], [false, true, 9])
    assert.deepEqual(chosenOf(all, { filter: { q: 'r' }, total: 10 }), { filter: { q: 'r', except: ['x'] }, total: 10 })
    assert.equal(countOf(chosenOf(all, { filter: {}, total: 10 })), 9)
    assert.equal(selectedCount(toggled(all, ['x'], true), 10), 10)
  })

  it('never have more exceptions than the service takes', () => {
    const full = toggled({ kind: 'all', except: new Set() }, Array.from({ length: 1000 }, (_, at) => `c${at}`), false)

    assert.equal(toggled(full, ['one more'], false), full)
  })

  it('show what waits for them', () => {
    const changes = [
      { id: 1, kind: 'delete' as const, chosen: { filter: { q: 'REP', except: ['c2'] }, total: 5 } },
      { id: 2, kind: 'unpin' as const, chosen: { cids: new Set(['c3']) } }
    ]

    assert.deepEqual(
      [
        file({}), file({ cid: 'c2' }), file({ cid: 'c3', original_filename: 'x' }), file({ cid: 'c4', original_filename: 'y' })
      ].map(one => pendingKind(changes, one)),
      ['delete', undefined, 'unpin', undefined]
    )
  })
})

describe('the list in the address', () => {
  it('is read with care', () => {
    assert.deepEqual(filesQueryOf(new URLSearchParams('q=a&state=lost&sort=evil')), { q: 'a', group: '', state: '', sort: '-uploaded_at' })
    assert.deepEqual(filterOf({ q: '', group: 'g', state: 'failed', sort: '-uploaded_at' }), { group: 'g', state: 'failed' })
  })

  it('turns round when it is sorted by the same again', () => {
    const view = filesQueryOf(new URLSearchParams('sort=original_filename'))

    assert.deepEqual(
      [sortBy('original_filename', view), sortBy('size_bytes', view), sortBy('size_bytes', { ...view, sort: '-size_bytes' })],
      ['-original_filename', '-size_bytes', 'size_bytes']
    )
  })
})

describe('what is told of a pin', () => {
  it('has numbers where they are', () => {
    assert.deepEqual(
      [progressOf({ progress: '3 blocks, 1234 bytes' }), progressOf({}), progressOf({ progress: 'soon' })],
      [{ blocks: 3, bytes: 1234 }, null, null]
    )
    assert.deepEqual([replicasOf({ replicas: '2 of 3' }), replicasOf({})], [{ held: 2, wanted: 3 }, null])
  })
})

describe('a preview', () => {
  it('goes by the type, else by the name; what can run is text', () => {
    const kinds = (
      [
        ['image/png', 'x'], ['image/svg+xml', 'x'], ['text/html; charset=utf-8', 'x'], ['application/octet-stream', 'page.html'],
        ['', 'a.MP3'], ['application/pdf', ''], ['application/vnd.api+json', ''], ['', 'noextension'], ['application/zip', 'a.zip']
      ] as const
    )
      .map(([type, name]) => previewKindOf({ type, name }))

    assert.deepEqual(kinds, ['image', 'image', 'text', 'text', 'audio', 'pdf', 'text', 'none', 'none'])
  })

  it('reads the entries of a folder, and nothing of what is none', () => {
    // two links ("a", raw, 5 bytes; "b", dag-pb, 300 bytes), then UnixFS's directory
    const cidOf = (codec: number) => [1, codec, 0x12, 2, 9, 9]
    const link = (codec: number, name: string, size: number[]) => [0x0a, 6, ...cidOf(codec), 0x12, 1, name.charCodeAt(0), 0x18, ...size]
    const [a, b] = [link(0x55, 'a', [5]), link(0x70, 'b', [0xac, 0x02])]
    const block = unixFsBlockOf(new Uint8Array([0x12, a.length, ...a, 0x12, b.length, ...b, 0x0a, 2, 8, 1]))

    assert.deepEqual(block, {
      kind: 'directory', sizeBytes: null,
      entries: [{ name: 'a', sizeBytes: 5, isFile: true }, { name: 'b', sizeBytes: 300, isFile: false }], shards: []
    })
    for (const bytes of [[], [1], [0xff, 0xff, 0xff], [0x12, 200, 1], [0x0a, 0]]) assert.equal(unixFsBlockOf(new Uint8Array(bytes)), null)
  })

  it('takes a shard apart into entries and the shards below', () => {
    const link = (name: string, cid: number[]) => {
      const fields = [0x0a, cid.length, ...cid, 0x12, name.length, ...Buffer.from(name), 0x18, 7]
      return [0x12, fields.length, ...fields]
    }
    const hash = [0x12, 2, 9, 9]
    const below = `b${base32(new Uint8Array([1, 0x70, ...hash]))}`
    const block = unixFsBlockOf(
      new Uint8Array(
        [...link('0Anotes.txt', [1, 0x55, ...hash]), ...link('FF', hash), ...link('B0', [1, 0x70, ...hash]), 0x0a, 5, 8, 5, 0x30, 0x80, 2]
      )
    )

    assert.deepEqual(block, {
      kind: 'shard', sizeBytes: null, entries: [{ name: 'notes.txt', sizeBytes: 7, isFile: true }], shards: [below, below]
    })
  })
})

describe('a folder in many blocks', () => {
  const entry = (name: string) => ({ name, sizeBytes: 1, isFile: true })
  const shard = (names: string[], shards: string[] = []) => ({ kind: 'shard' as const, sizeBytes: null, entries: names.map(entry), shards })
  const blocks = new Map(
    [
      ['a', shard(['a1', 'a2'], ['aa'])], ['aa', shard(['aa1'])], ['b', shard(['b1'])],
      ...Array.from({ length: 30 }, (_, at) => [`c${at}`, shard([`c${at}`])] as const)
    ]
  )
  const signal = new AbortController().signal

  it('is read piece by piece, and each entry once', async () => {
    const read: string[] = []
    const walk = new ShardWalk(shard(['top'], ['a', 'b', ...Array.from({ length: 30 }, (_, at) => `c${at}`)]), async cid => {
      read.push(cid)
      return blocks.get(cid)!
    })

    await walk.more(3, signal)
    const [first, readAtFirst] = [walk.entries.length, read.length]
    while (!walk.isAtEnd) await walk.more(10, signal)

    assert.deepEqual([first >= 4, readAtFirst], [true, 6])
    assert.equal(new Set(walk.entries.map(({ name }) => name)).size, 35)
    assert.deepEqual([walk.entries.length, read.length], [35, 33])
  })

  it('goes on after a failure without a gap', async () => {
    let fails = true
    const walk = new ShardWalk(shard([], ['a', 'b']), async cid => {
      if (cid === 'b' && fails) throw new Error('away')
      return blocks.get(cid)!
    })

    await assert.rejects(walk.more(10, signal), /away/)
    fails = false
    await walk.more(10, signal)

    assert.deepEqual(walk.entries.map(({ name }) => name), ['a1', 'a2', 'b1', 'aa1'])
  })
})
