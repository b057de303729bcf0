import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemRandom } from '../../../src/base/system.ts'
import { Argon2Passwords, unusable, usualArgon2 } from '../../../src/service/accounts/passwords.ts'

const small = { memoryKiB: 64, passes: 1 }

describe('passwords', () => {
  it('knows a password by its hash, and no other one', async () => {
    const passwords = new Argon2Passwords(small, { random: systemRandom })
    const hash = await passwords.hash('correct horse')

    assert.match(hash, /^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    assert.ok(await passwords.verify(hash, 'correct horse'))
    assert.ok(!await passwords.verify(hash, 'correct horse '))
  })

  it('never gives the same hash twice', async () => {
    const passwords = new Argon2Passwords(small, { random: systemRandom })

    assert.notEqual(await passwords.hash('same'), await passwords.hash('same'))
  })

  it('checks hashes of other parameters by what they say', async () => {
    const before = new Argon2Passwords({ memoryKiB: 128, passes: 2 }, { random: systemRandom })
    const now = new Argon2Passwords(small, { random: systemRandom })

    assert.ok(await now.verify(await before.hash('password'), 'password'))
  })

  for (const hash of [unusable, '', 'password', '$argon2id$v=19$m=64,t=1,p=1$$', '$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA']) {
    it(`lets nothing fit ${JSON.stringify(hash)}`, async () => {
      const passwords = new Argon2Passwords(small, { random: systemRandom })

      assert.ok(!await passwords.verify(hash, 'password'))
      assert.ok(!await passwords.verify(hash, ''))
    })
  }

  it('knows a password in whichever form its accents come', async () => {
    const passwords = new Argon2Passwords(small, { random: systemRandom })

    assert.ok(await passwords.verify(await passwords.hash('\u00e9t\u00e9 2026'), 'e\u0301te\u0301 2026'))
  })

  it('refuses to let more than 512 wait', async () => {
    const passwords = new Argon2Passwords(small, { random: systemRandom })

    const results = await Promise.allSettled(Array.from({ length: 534 }, async () => passwords.hash('x')))

    const refused = results.filter(({ status }) => status === 'rejected')
    assert.equal(refused.length, 20)
  })

  it('costs what OWASP recommends', () => {
    assert.deepEqual(usualArgon2, { memoryKiB: 19_456, passes: 2 })
  })
})
