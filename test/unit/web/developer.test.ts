import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nextSort, sortFrom, sortText } from '../../../src/web/pages/users/user-sort.ts'
import type { ApiKey } from '../../../src/client/service/types.ts'
import { permissions as allPermissions } from '../../../src/service/accounts/accounts.ts'
import { draftFaults, emptyDraft, keyState, newKey, permissions, presets } from '../../../src/web/pages/developer/keys.ts'
import type { KeyDraft } from '../../../src/web/pages/developer/keys.ts'
import { keyPlace, readyLines } from '../../../src/web/pages/developer/lines.ts'

const now = Date.parse('2026-03-14T12:00:00Z')
const key = (more: Partial<ApiKey> = {}): ApiKey => ({
  id: 'k', name: 'n', prefix: 'ak_1234', permissions: ['pins:read'], kind: 'own', created_at: '2026-01-01T00:00:00Z', expires_at: null,
  last_used_at: null, max_uses: null, uses: 0, revoked_at: null, ...more
})
const draft = (more: Partial<KeyDraft> = {}): KeyDraft => ({ ...emptyDraft, name: ' backup ', ...more })

describe('keys on the page', () => {
  it('say whether they can be used', () => {
    assert.equal(keyState(key(), now), 'active')
    assert.equal(keyState(key({ expires_at: '2026-03-14T11:59:59Z' }), now), 'expired')
    assert.equal(keyState(key({ max_uses: 3, uses: 3 }), now), 'used-up')
    assert.equal(keyState(key({ max_uses: 3, uses: 2 }), now), 'active')
    assert.equal(keyState(key({ revoked_at: '2026-03-01T00:00:00Z', expires_at: '2026-03-01T00:00:00Z' }), now), 'revoked')
  })

  it('offer every permission that there is', () => {
    assert.deepEqual(permissions.map(({ value }) => value).toSorted(), [...allPermissions].toSorted())
    assert.deepEqual(presets.find(({ value }) => value === 'all')?.permissions.toSorted(), [...allPermissions].toSorted())
  })

  it('are made as the form says', () => {
    assert.deepEqual(
      newKey(draft({ preset: 'pinning', expiry: '30', maxUses: '5' }), now),
      { name: 'backup', permissions: ['pins:read', 'pins:write'], expires_at: '2026-04-13T12:00:00.000Z', max_uses: 5 }
    )
    assert.deepEqual(newKey(draft({ preset: 'own', chosen: ['files:read'] }), now), { name: 'backup', permissions: ['files:read'] })
  })

  it('are not made of nonsense, and the form says why', () => {
    assert.deepEqual(draftFaults(draft(), now), {})
    assert.deepEqual(
      Object.keys(draftFaults(draft({ name: ' ', preset: 'own', chosen: [], expiry: 'date', day: '', maxUses: '0' }), now)),
      ['name', 'permissions', 'day', 'maxUses']
    )
    assert.deepEqual(Object.keys(draftFaults(draft({ expiry: 'date', day: '2026-03-12' }), now)), ['day'])
    assert.deepEqual(draftFaults(draft({ expiry: 'date', day: '2026-03-20' }), now), {})
  })
})

describe('ready-made lines', () => {
  it('have the address of the page, and the key', () => {
    const all = readyLines({ origin: 'https://pins.example', key: 'ak_secret' })

    assert.equal(all.length, 3)
    for (const { text } of all) {
      assert.ok(text.includes('https://pins.example/api/') && text.includes('ak_secret') && !text.includes(keyPlace))
    }
  })

  it('are JavaScript where they say so', () => {
    const [, , script] = readyLines({ origin: 'https://pins.example', key: 'ak_secret' })

    assert.doesNotThrow(() => new Function(`return async () => { ${script?.text ?? ''} }`))
  })
})

describe('the order of users', () => {
  it('is by address unless the address of the page says another that there is', () => {
    assert.deepEqual(
      [null, '', 'email', '-used_bytes', 'other', '-'].map(text => sortText(sortFrom(text))),
      ['email', 'email', 'email', '-used_bytes', 'email', 'email']
    )
  })

  it('is turned around by the same column, and begins with the largest or the latest of another', () => {
    const now = sortFrom('email')

    assert.deepEqual(
      (['email', 'used_bytes', 'last_seen_at', 'created_at', 'state'] as const).map(by => sortText(nextSort(now, by))),
      ['-email', '-used_bytes', '-last_seen_at', '-created_at', 'state']
    )
    assert.equal(sortText(nextSort(sortFrom('-used_bytes'), 'used_bytes')), 'used_bytes')
  })
})
