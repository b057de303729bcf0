import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readListQuery } from '../../../../src/api/service/pinning/list-query.ts'

const cid = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'

describe('the options of a list of pins', () => {
  it('are none by default: ten pinned ones', () => {
    assert.deepEqual(readListQuery({}), { filter: { statuses: ['pinned'] }, limit: 10 })
    assert.deepEqual(
      readListQuery({ cid: '', status: '', limit: '', name: '', before: '', meta: '' }), { filter: { statuses: ['pinned'] }, limit: 10 }
    )
  })

  it('have all statuses with a name, where the test suite of the specification is followed', () => {
    assert.deepEqual(readListQuery({ name: 'a' }, { strict: true }).filter.statuses, ['queued', 'pinning', 'pinned', 'failed'])
    assert.deepEqual(readListQuery({ name: 'a', status: 'failed' }, { strict: true }).filter.statuses, ['failed'])
    assert.deepEqual(readListQuery({}, { strict: true }).filter.statuses, ['pinned'])
    assert.deepEqual(readListQuery({ name: 'a' }).filter.statuses, ['pinned'])
  })

  it('come with commas or repeated, times with an offset, meta as JSON', () => {
    const { filter, limit } = readListQuery({
      cid: [cid, cid], status: 'queued,pinning', name: 'a', match: 'ipartial', before: '2026-11-28T23:00:00 01:00',
      after: '2026-11-28T20:00:00.5Z', limit: '1000', meta: '{"a":"b"}'
    })

    assert.equal(limit, 1000)
    assert.deepEqual(filter, {
      cids: [cid, cid], statuses: ['queued', 'pinning'], name: { text: 'a', match: 'ipartial' }, before: Date.UTC(2026, 10, 28, 22),
      after: Date.UTC(2026, 10, 28, 20, 0, 0, 500), meta: { a: 'b' }
    })
  })

  it('are refused when they are wrong', () => {
    const wrong = [
      { limit: '0' }, { limit: '1001' }, { limit: '-1' }, { limit: '1.5' }, { limit: 'x' },
      { cid: Array.from({ length: 11 }, () => cid).join(',') }, { cid: 'x' }, { status: 'pinned,gone' }, { match: 'like' },
      { name: 'x'.repeat(256) }, { before: 'yesterday' }, { after: '2026-13-01T00:00:00Z' }, { meta: '[]' }, { meta: '{"a":1}' },
      { meta: 'x' }, { meta: '{"a":"\\u0000"}' }
    ]

    for (const query of wrong) assert.throws(() => readListQuery(query), { status: 400 }, JSON.stringify(query))
  })
})
