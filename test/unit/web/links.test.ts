import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { emptyLink, linkFaults, linkState, newLink, refusalOf, secretIn, typesText } from '../../../src/web/pages/links/links.ts'
import type { LinkDraft } from '../../../src/web/pages/links/links.ts'
import { shareLinks } from '../../../src/web/pages/files/file/share-links.ts'
import { figuresText, shareDone } from '../../../src/web/pages/tasks/task-words.ts'
import { quotaBytes, quotaParts } from '../../../src/web/pages/users/quota.ts'

const now = Date.parse('2026-03-14T12:00:00Z')
const draft = (more: Partial<LinkDraft> = {}): LinkDraft => ({ ...emptyLink, ...more })

describe('addresses on the pages', () => {
  it('begin with public_url, where that is set, as those in mails and answers do', () => {
    const pages = globSync('src/web/pages/**/*.{ts,tsx}').filter(path => readFileSync(path, 'utf8').includes('location.origin'))

    assert.deepEqual(pages, [])
  })
})

describe('upload links on the page', () => {
  it('say whether they can be used', () => {
    const link = { revoked_at: null, expires_at: '2026-03-15T12:00:00Z', uses: 0, max_uses: 1 }

    assert.equal(linkState(link, now), 'open')
    assert.equal(linkState({ ...link, uses: 1 }, now), 'used-up')
    assert.equal(linkState({ ...link, expires_at: '2026-03-14T12:00:00Z' }, now), 'expired')
    assert.equal(linkState({ ...link, uses: 1, revoked_at: '2026-03-14T11:00:00Z' }, now), 'revoked')
  })

  it('are made as the form says', () => {
    assert.deepEqual(
      newLink(draft({ name: ' Party ', uses: '3', kind: 'images', most: '1.5', group: 'g1' })),
      { name: 'Party', max_uses: 3, expires_in: 86_400, content_types: ['image/*'], max_bytes: 1_572_864, group: 'g1' }
    )
    assert.deepEqual(newLink(draft({ kind: 'own', types: 'Image/PNG, text/* image/png' })).content_types, ['image/png', 'text/*'])
  })

  it('are not made of nonsense', () => {
    assert.deepEqual(linkFaults(draft()), {})
    assert.deepEqual(Object.keys(linkFaults(draft({ uses: '0', kind: 'own', types: 'png', most: '-1' }))), ['uses', 'types', 'most'])
    assert.deepEqual(Object.keys(linkFaults(draft({ uses: '1.5', kind: 'own', types: ' ' }))), ['uses', 'types'])
  })

  it('tell a sender before a byte is sent what would be refused', () => {
    const limits = { max_bytes: 100, content_types: ['image/*', 'text/plain'] }

    assert.equal(refusalOf({ size: 101, type: 'image/png' }, limits), 'too-large')
    assert.equal(refusalOf({ size: 100, type: 'text/html' }, limits), 'wrong-type')
    assert.equal(refusalOf({ size: 100, type: 'image/png' }, limits), null)
    assert.equal(refusalOf({ size: 1e12, type: '' }, { max_bytes: null, content_types: [] }), null)
    assert.deepEqual([typesText([]), typesText(['image/*']), typesText(['a/b', 'c/d'])], ['Any file', 'Pictures', 'a/b or c/d'])
  })

  it('have their secret behind the #', () => {
    assert.equal(secretIn('#ul_abcDEF123456'), 'ul_abcDEF123456')
    assert.deepEqual([secretIn(''), secretIn('#ul_x'), secretIn('#../../x')], [null, null, null])
  })
})

describe('links to a file', () => {
  it('carry its name, whatever is in it', () => {
    const { page, direct, ipfs } = shareLinks({ cid: 'bafk', name: 'a&b #1?.png' }, 'https://pins.example')

    assert.equal(new URL(page).searchParams.get('name'), 'a&b #1?.png')
    assert.equal(new URL(direct).searchParams.get('filename'), 'a&b #1?.png')
    assert.equal(ipfs, 'ipfs://bafk')
    assert.equal(shareLinks({ cid: 'bafk', name: '' }, 'https://x').direct, 'https://x/api/gateway/bafk')
  })
})

describe('tasks and quotas on the page', () => {
  it('say how far a task is', () => {
    assert.equal(figuresText({ total: 400, imported: 1200, known: 0, refused: 3, before: null }), '1,200 imported, 3 refused')
    assert.equal(figuresText({ deleted: 0, failed: ['a'], at: 1 }), '0 deleted, 1 not found')
    assert.deepEqual([figuresText(null), figuresText('x')], ['', ''])
    assert.deepEqual(
      [shareDone({ total: 4, imported: 1, known: 1, refused: 0 }), shareDone({ deleted: 3 }), shareDone(null)], [0.5, undefined, undefined]
    )
  })

  it('show a quota in the unit that tells it, and take it back', () => {
    for (
      const [bytes, amount, unit] of [
        [2 ** 30, '1', 'GiB'], [1.5 * 2 ** 40, '1.5', 'TiB'], [300 * 2 ** 20, '300', 'MiB'], [0, '0', 'MiB']
      ] as const
    ) {
      assert.deepEqual(quotaParts(bytes), { amount, unit })
      assert.equal(quotaBytes(amount, unit), bytes)
    }
    assert.deepEqual(
      [quotaBytes('', 'GiB'), quotaBytes('-1', 'GiB'), quotaBytes('x', 'GiB'), quotaBytes('1e12', 'TiB')], [null, null, null, null]
    )
  })
})
