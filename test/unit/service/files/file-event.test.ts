import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileEvent } from '../../../../src/service/files/file-writer.ts'
import type { FileRow } from '../../../../src/service/sql/tables.ts'

const row = (more: Partial<FileRow> = {}): FileRow =>
  ({
    user_id: 'u', cid: 'c', original_filename: 'a.txt', size_bytes: 3, state: 'staged', error: null, group_id: null, meta: '{}',
    content_type: 'text/plain', origin: 'upload', view_count: 0, ...more
  }) as FileRow

describe('the event of a file', () => {
  it('is its coming, its going, and how it stands', () => {
    const told = [[undefined, row()], [row(), row({ state: 'failed', error: 'no room' })], [row(), undefined]] as const

    assert.deepEqual(told.map(([before, after]) => fileEvent(before, after)), [
      { user: 'u', type: 'file.created', data: { cid: 'c', name: 'a.txt', size: 3, state: 'staged' } },
      { user: 'u', type: 'file.status', data: { cid: 'c', name: 'a.txt', size: 3, state: 'failed', error: 'no room' } },
      { user: 'u', type: 'file.deleted', data: { cid: 'c', name: 'a.txt', size: 3, state: 'staged' } }
    ])
  })

  it('is what shows in the list, and nothing that does not', () => {
    assert.equal(fileEvent(row(), row({ original_filename: 'b.txt' }))?.type, 'file.changed')
    for (const unseen of [{ view_count: 5 }, { last_accessed_at: 9 }, { lease_until: 3 }, { tries: 2 }, { staging_key: 'k' }]) {
      assert.equal(fileEvent(row(), row(unseen)), null)
    }
  })

  it('is none for an entry that stands for pins', () => {
    assert.equal(fileEvent(undefined, row({ origin: 'pins' })), null)
    assert.equal(fileEvent(row({ origin: 'pins' }), undefined), null)
    assert.equal(fileEvent(row({ origin: 'pins' }), row({ origin: 'cid' }))?.type, 'file.changed')
  })
})
