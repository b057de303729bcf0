import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import jwt from 'jsonwebtoken'
import { passwordAuthenticator } from '../../../src/http/request/auth.ts'
import { SimClock } from '../../support/sim-clock.ts'

const clock = new SimClock(1_800_000_000_000)
const authenticator = passwordAuthenticator({ credentials: new Map([['alice', 'wonderland'], ['empty', '']]), realm: 'R' }, { clock })
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
const bearer = (claims: object, options: jwt.SignOptions = {}, key = 'wonderland'): string =>
  `Bearer ${jwt.sign(claims, key, { noTimestamp: true, ...options })}`
const message = (header?: string): string => {
  const verdict = authenticator.check(header)
  return 'principal' in verdict ? `user ${verdict.principal.user}` : verdict.message
}

describe('passwords', () => {
  it('lets the right pair in, whatever the case of the scheme', () => {
    assert.equal(message(basic('alice:wonderland')), 'user alice')
    assert.equal(message(basic('alice:wonderland').replace('Basic', 'bAsIc')), 'user alice')
  })

  it('denies wrong, unknown and empty ones', () => {
    for (const pair of ['alice:x', 'eve:wonderland', 'alice:', ':', 'empty:', 'toString:x']) {
      assert.equal(message(basic(pair)), 'unauthorized: access denied', pair)
    }
  })

  it('takes what it cannot read for nothing', () => {
    for (const header of [undefined, '', 'Digest abc', 'Basic !!!', 'Basic YQ', 'Basic YWxpY2U=', 'Bearer', 'Bearer ']) {
      assert.equal(message(header), 'unauthorized: no auth provided', header)
    }
  })
})

describe('tokens', () => {
  it('is constant and lets its user in', () => {
    const token = authenticator.token({ user: 'alice' })

    assert.equal(token, 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJhbGljZSJ9.aPjNymgpLf-_q_cW-CjQPNIENarzl0ZzIzT4v-ij-Ng')
    assert.equal(message(`bearer ${token}`), 'user alice')
    assert.equal(authenticator.token({ user: 'eve' }), undefined)
  })

  it('knows three algorithms', () => {
    for (const algorithm of ['HS256', 'HS384', 'HS512'] as const) {
      assert.equal(message(bearer({ iss: 'alice' }, { algorithm })), 'user alice')
    }
    assert.equal(message(bearer({ iss: 'alice' }, { algorithm: 'none' }, '')), 'unauthorized: invalid token')
  })

  it('looks at exp, nbf and iat without leeway', () => {
    const now = 1_800_000_000

    assert.equal(message(bearer({ iss: 'alice', exp: now + 1, nbf: now, iat: now })), 'user alice')
    for (const claims of [{ exp: now }, { nbf: now + 1 }, { iat: now + 1 }]) {
      assert.equal(message(bearer({ iss: 'alice', ...claims }, { noTimestamp: false })), 'unauthorized: invalid token')
    }
  })

  it('refuses garbage, strangers and users without a password', () => {
    for (const header of ['Bearer abc', 'Bearer a.b.c', bearer({}), bearer({ iss: 'eve' }), bearer({ iss: 'alice' }, {}, 'other')]) {
      assert.equal(message(header), 'unauthorized: invalid token')
    }
  })
})
