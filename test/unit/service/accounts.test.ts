import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import type { ErrorCode } from '../../../src/base/errors.ts'
import { permissions } from '../../../src/service/accounts/accounts.ts'
import type { UserSort } from '../../../src/service/accounts/user-list.ts'
import { userSorts } from '../../../src/service/accounts/user-list.ts'
import type { AccountsInit } from '../../../src/service/accounts/accounts-deps.ts'
import { accountsOn, from } from '../../support/service-accounts.ts'
import type { TestAccounts } from '../../support/service-accounts.ts'
import { eachDatabase } from '../../support/service-database.ts'
import { pollUntil } from '../../support/poll.ts'
import { SimClock } from '../../support/sim-clock.ts'

const code = (wanted: ErrorCode) => (err: unknown): boolean => isClusterError(err, wanted)
const alice = { email: 'Alice@example.com', password: 'correct horse' }
const wrong = (right: string): string => right === '000000' ? '000001' : '000000'

eachDatabase('accounts', databases => {
  const running: TestAccounts[] = []
  const open = async (init: Partial<AccountsInit> = {}, clock?: SimClock): Promise<TestAccounts> => {
    const made = await accountsOn(await databases.open(clock == null ? {} : { clock }), init)
    running.push(made)
    return made
  }
  afterEach(async () => { for (const one of running.splice(0)) await one.stop() })

  // PostgreSQL's peers have the time of their server, which no test moves
  const timed = databases.kind === 'sqlite' ? it : () => {}

  const actions = async (
    { audit }: TestAccounts, user: string
  ): Promise<string[]> => (await audit.list({ user })).entries.map(({ action }) => action).toReversed()

  it('gives whoever registers a key that may do everything', async () => {
    const { accounts } = await open()

    const made = await accounts.register(alice, from)
    const caller = await accounts.byKey(made.apiKey ?? '', from)

    assert.match(made.apiKey ?? '', /^ak_[0-9A-Za-z]{32}$/)
    assert.equal(caller.user.email, 'Alice@example.com')
    assert.deepEqual([...caller.permissions], [...permissions])
    assert.equal(caller.address, '192.0.2.1')
  })

  it('has one account for an address, however it is written', async () => {
    const { accounts } = await open()
    await accounts.register(alice, from)

    await assert.rejects(accounts.register({ ...alice, email: ' aLICE@EXAMPLE.com' }, from), code('CONFLICT'))
  })

  it('makes one account of many registrations at once', async () => {
    const { accounts } = await open()

    const results = await Promise.allSettled(Array.from({ length: 8 }, async () => accounts.register(alice, from)))

    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const result of results) if (result.status === 'rejected') assert.ok(code('CONFLICT')(result.reason))
  })

  for (const email of ['', 'alice', 'a@b\r\nBcc: c@d', 'a b@c', '<a@b>', 'a@b,c@d', `${'a'.repeat(300)}@b`]) {
    it(`takes ${JSON.stringify(email.slice(0, 20))} for no address`, async () => {
      const { accounts } = await open()

      await assert.rejects(accounts.register({ ...alice, email }, from), code('INVALID_ARGUMENT'))
    })
  }

  it('answers an unknown address as it answers a wrong password, after the same work', async () => {
    const { accounts, passwords } = await open()
    await accounts.register(alice, from)

    const before = passwords.compared
    const known = await accounts.login({ ...alice, password: 'wrong' }, from).catch((err: Error) => err)
    const unknown = await accounts.login({ email: 'nobody@example.com', password: 'wrong' }, from).catch((err: Error) => err)

    assert.ok(code('UNAUTHENTICATED')(known) && code('UNAUTHENTICATED')(unknown))
    assert.equal((known as Error).message, (unknown as Error).message)
    assert.equal(passwords.compared - before, 2)
  })

  timed('keeps a log-in until it is ended or its time is over', async () => {
    const clock = new SimClock()
    const { accounts } = await open({ sessionMs: 60_000 }, clock)
    await accounts.register(alice, from)
    const first = await accounts.login(alice, from)
    const second = await accounts.login(alice, from)
    assert.equal((await accounts.bySession(first.session, from)).user.email, alice.email)

    await accounts.logout(first.caller)
    await assert.rejects(accounts.bySession(first.session, from), code('UNAUTHENTICATED'))
    assert.equal((await accounts.bySession(second.session, from)).user.email, alice.email)
    clock.standStill(60_001)

    await assert.rejects(accounts.bySession(second.session, from), code('UNAUTHENTICATED'))
  })

  it('ends the other log-ins when a password is changed', async () => {
    const { accounts } = await open()
    await accounts.register(alice, from)
    const mine = await accounts.login(alice, from)
    const other = await accounts.login(alice, from)
    await assert.rejects(accounts.changePassword(mine.caller, { old: 'wrong', password: 'new password' }), code('REJECTED'))

    await accounts.changePassword(mine.caller, { old: alice.password, password: 'new password' })

    await assert.rejects(accounts.bySession(other.session, from), code('UNAUTHENTICATED'))
    assert.equal((await accounts.bySession(mine.session, from)).user.email, alice.email)
    await assert.rejects(accounts.login(alice, from), code('UNAUTHENTICATED'))
    await accounts.login({ ...alice, password: 'new password' }, from)
  })

  it('lists log-ins with where they came from, and ends the one that is named, or all others, of their owner alone', async () => {
    const { accounts } = await open()
    await accounts.register(alice, from)
    await accounts.register({ email: 'bob@example.com', password: alice.password }, from)
    const [one, two, three] = [
      await accounts.login(alice, { address: '192.0.2.1', agent: 'A' }), await accounts.login(alice, { address: '192.0.2.2', agent: 'B' }),
      await accounts.login(alice, from)
    ]
    const bob = await accounts.login({ email: 'bob@example.com', password: alice.password }, from)

    const listed = await accounts.sessionsOf(one.caller)
    const second = listed.find(({ agent }) => agent === 'B')
    assert.deepEqual(
      listed.map(({ address, isCurrent }) => `${address} ${isCurrent}`).toSorted(), ['192.0.2.1 false', '192.0.2.1 true', '192.0.2.2 false']
    )
    await assert.rejects(accounts.endSession(bob.caller, second?.id ?? ''), code('NOT_FOUND'))
    await accounts.endSession(one.caller, second?.id ?? '')

    await assert.rejects(accounts.bySession(two.session, from), code('UNAUTHENTICATED'))
    await accounts.bySession(three.session, from)
    await accounts.endOtherSessions(one.caller)
    await assert.rejects(accounts.bySession(three.session, from), code('UNAUTHENTICATED'))
    assert.deepEqual((await accounts.sessionsOf(one.caller)).map(({ isCurrent }) => isCurrent), [true])
    assert.equal((await accounts.bySession(bob.session, from)).user.email, 'bob@example.com')
  })

  it('refuses a key that is revoked, and keeps the others', async () => {
    const { accounts } = await open()
    const { apiKey } = await accounts.register(alice, from)
    const caller = await accounts.byKey(apiKey ?? '', from)
    const own = await accounts.createKey(caller, { name: 'reading', permissions: ['files:read'], expiresAt: null, maxUses: null })
    assert.deepEqual([...(await accounts.byKey(own.apiKey, from)).permissions], ['files:read'])

    await accounts.revokeKey(caller, own.id)
    await accounts.revokeKey(caller, own.id)

    await assert.rejects(accounts.byKey(own.apiKey, from), code('NOT_AUTHORIZED'))
    await accounts.byKey(apiKey ?? '', from)
    assert.deepEqual(await actions(running[0]!, caller.user.id), ['register', 'key-create', 'key-revoke'])
  })

  it("can't revoke a key of somebody else", async () => {
    const { accounts } = await open()
    const [a, b] = [await accounts.register(alice, from), await accounts.register({ ...alice, email: 'bob@example.com' }, from)]
    const bob = await accounts.byKey(b.apiKey ?? '', from)
    const [key] = await accounts.keys((await accounts.byKey(a.apiKey ?? '', from)).user.id)

    await assert.rejects(accounts.revokeKey(bob, key?.id ?? ''), code('NOT_FOUND'))
    await accounts.byKey(a.apiKey ?? '', from)
  })

  it('counts the uses of a key that has a number of them, however many come at once', async () => {
    const { accounts } = await open()
    const caller = await accounts.byKey((await accounts.register(alice, from)).apiKey ?? '', from)
    const { apiKey } = await accounts.createKey(caller, { name: 'few', permissions, expiresAt: null, maxUses: 3 })

    const results = await Promise.allSettled(Array.from({ length: 6 }, async () => accounts.byKey(apiKey, from)))

    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 3)
    await assert.rejects(accounts.byKey(apiKey, from), code('NOT_AUTHORIZED'))
  })

  timed('ends a key when its time is over', async () => {
    const clock = new SimClock()
    const { accounts } = await open({}, clock)
    const caller = await accounts.byKey((await accounts.register(alice, from)).apiKey ?? '', from)
    const { apiKey } = await accounts.createKey(caller, { name: 'short', permissions, expiresAt: clock.now() + 5000, maxUses: null })
    await accounts.byKey(apiKey, from)

    clock.standStill(5000)

    await assert.rejects(accounts.byKey(apiKey, from), code('NOT_AUTHORIZED'))
  })

  for (const key of ['', 'ak_', `ak_${'a'.repeat(32)}`, `ak_${'a'.repeat(31)}'`, 'x'.repeat(10_000)]) {
    it(`doesn't know the key ${JSON.stringify(key.slice(0, 12))} of ${key.length} characters`, async () => {
      const { accounts } = await open()

      await assert.rejects(accounts.byKey(key, from), code('UNAUTHENTICATED'))
    })
  }

  it('renews the key of the account with a mailed code, and keeps keys of their own', async () => {
    const { accounts, mail } = await open()
    const first = (await accounts.register(alice, from)).apiKey ?? ''
    const own = await accounts.createKey(await accounts.byKey(first, from), { name: 'own', permissions, expiresAt: null, maxUses: null })
    await accounts.sendCode('renew', alice.email, from)
    const sent = await mail.codeFor(alice.email)

    const { apiKey } = await accounts.renew({ email: alice.email, code: sent, revokeAll: false }, from)

    await accounts.byKey(apiKey, from)
    await accounts.byKey(own.apiKey, from)
    await assert.rejects(accounts.byKey(first, from), code('NOT_AUTHORIZED'))
    await assert.rejects(accounts.renew({ email: alice.email, code: sent, revokeAll: false }, from), code('REJECTED'))
  })

  it('renews once more, and ends all keys when asked to', async () => {
    const { accounts, mail } = await open()
    const first = (await accounts.register(alice, from)).apiKey ?? ''
    const own = await accounts.createKey(await accounts.byKey(first, from), { name: 'own', permissions, expiresAt: null, maxUses: null })
    const renewed = async (revokeAll: boolean): Promise<string> => {
      const after = mail.count(alice.email)
      await accounts.sendCode('renew', alice.email, from)
      return (await accounts.renew({ email: alice.email, code: await mail.codeFor(alice.email, { after }), revokeAll }, from)).apiKey
    }

    const second = await renewed(false)
    const third = await renewed(true)

    for (const ended of [first, second, own.apiKey]) await assert.rejects(accounts.byKey(ended, from), code('NOT_AUTHORIZED'))
    await accounts.byKey(third, from)
  })

  it('takes five tries of a code and not one more', async () => {
    const { accounts, mail } = await open()
    await accounts.register(alice, from)
    await accounts.sendCode('renew', alice.email, from)
    const right = await mail.codeFor(alice.email)
    const renew = async (given: string): Promise<unknown> => accounts.renew({ email: alice.email, code: given, revokeAll: false }, from)

    for (let n = 0; n < 5; n++) await assert.rejects(renew(wrong(right)), code('REJECTED'))

    await assert.rejects(renew(right), code('REJECTED'))
  })

  timed('takes a code for ten minutes, and only the newest one', async () => {
    const clock = new SimClock()
    const { accounts, mail } = await open({}, clock)
    await accounts.register(alice, from)
    await accounts.sendCode('reset', alice.email, from)
    await clock.advance(1000)
    const first = await mail.codeFor(alice.email)
    await accounts.sendCode('reset', alice.email, from)
    await clock.advance(1000)
    const second = await mail.codeFor(alice.email, { after: 1 })
    const reset = async (given: string): Promise<void> =>
      accounts.resetPassword({ email: alice.email, code: given, password: 'new password' }, from)
    if (first !== second) await assert.rejects(reset(first), code('REJECTED'))

    clock.standStill(600_000)

    await assert.rejects(reset(second), code('REJECTED'))
    await accounts.login(alice, from)
  })

  it('resets a password, which ends all log-ins', async () => {
    const { accounts, mail } = await open()
    await accounts.register(alice, from)
    const { session } = await accounts.login(alice, from)
    await accounts.sendCode('reset', alice.email, from)

    await accounts.resetPassword({ email: alice.email, code: await mail.codeFor(alice.email), password: 'new password' }, from)

    await assert.rejects(accounts.bySession(session, from), code('UNAUTHENTICATED'))
    await accounts.login({ ...alice, password: 'new password' }, from)
  })

  it('says nothing of whether an address has an account when a code is asked for', async () => {
    const { accounts, mail, audit } = await open()

    await accounts.sendCode('renew', 'nobody@example.com', from)
    await assert.rejects(accounts.renew({ email: 'nobody@example.com', code: '123456', revokeAll: false }, from), code('REJECTED'))

    const acts = async (): Promise<string[]> => (await audit.list()).entries.map(({ action }) => action).toSorted()
    await pollUntil(async () => (await acts()).length === 2)
    assert.deepEqual(await acts(), ['code-renew', 'renew-failed'])
    assert.equal(mail.letters.length, 0)
  })

  timed('does nothing that depends on the address before it has answered who asks for a code', async () => {
    const clock = new SimClock()
    const { accounts, audit, mail, peer } = await open({}, clock)
    await accounts.register(alice, from)
    const issued = async (): Promise<number> => (await peer.database.db.selectFrom('codes').select('user_id').execute()).length
    const noted = async (): Promise<number> => (await audit.list()).entries.filter(({ action }) => action === 'code-renew').length

    await accounts.sendCode('renew', alice.email, from)
    await accounts.sendCode('renew', 'nobody@example.com', from)
    await clock.settle()

    assert.deepEqual([await issued(), await noted(), mail.letters.length], [0, 0, 0])
    await clock.advance(1000)
    await mail.codeFor(alice.email)
    await pollUntil(async () => await noted() === 2)
    assert.deepEqual([await issued(), mail.letters.length], [1, 1])
  })

  it('writes codes that were asked for when it stops', async () => {
    const { accounts, peer } = await open()
    await accounts.register(alice, from)

    await accounts.sendCode('renew', alice.email, from)
    for (const one of running.splice(0)) await one.stop()

    assert.equal((await peer.database.db.selectFrom('codes').select('user_id').execute()).length, 1)
  })

  timed('answers for an address that waits for its code as for one that is new', async () => {
    const clock = new SimClock()
    const { accounts } = await open({ registration: 'verified' }, clock)
    const first = await accounts.register(alice, from)
    await clock.advance(60_000)

    const again = await accounts.register(alice, from)

    assert.equal(again.createdAt, first.createdAt + 60_000)
  })

  it('tells everybody that no code can be sent while mail is away, and sends later what it has taken', async () => {
    const { accounts, mail } = await open()
    await accounts.register(alice, from)
    mail.isAway = true

    await assert.rejects(accounts.sendCode('renew', alice.email, from), code('NOT_READY'))
    await assert.rejects(accounts.sendCode('renew', 'nobody@example.com', from), code('NOT_READY'))

    mail.isAway = false
    await accounts.sendCode('renew', alice.email, from)
    assert.match(await mail.codeFor(alice.email), /^\d{6}$/)
  })

  it('ends keys and log-ins of a suspended account, and takes them again afterwards', async () => {
    const { accounts, admin } = await open()
    const { apiKey } = await accounts.register(alice, from)
    const { session, caller: { user: { id } } } = await accounts.login(alice, from)
    const actor = { actor: 'command-line', address: '' }

    await admin.setState(id, 'suspended', actor)

    await assert.rejects(accounts.byKey(apiKey ?? '', from), code('NOT_AUTHORIZED'))
    await assert.rejects(accounts.bySession(session, from), code('UNAUTHENTICATED'))
    await assert.rejects(accounts.login(alice, from), code('NOT_AUTHORIZED'))
    await admin.setState(id, 'active', actor)
    await accounts.byKey(apiKey ?? '', from)
  })

  it('takes over an account from the command line', async () => {
    const { accounts, admin } = await open()
    const squatted = (await accounts.register(alice, from)).apiKey ?? ''
    const actor = { actor: 'command-line', address: '' }
    const wanted = { email: alice.email, password: 'of the operator', role: 'admin' as const }
    await assert.rejects(admin.add(wanted, { ...actor, takeOver: false }), code('CONFLICT'))

    const { apiKey } = await admin.add(wanted, { ...actor, takeOver: true })

    assert.equal((await accounts.byKey(apiKey, from)).user.role, 'admin')
    await assert.rejects(accounts.byKey(squatted, from), code('NOT_AUTHORIZED'))
    await assert.rejects(accounts.login(alice, from), code('UNAUTHENTICATED'))
  })

  it('lists users in pages by address', async () => {
    const { accounts, admin } = await open()
    for (const name of ['c', 'a', 'b']) await accounts.register({ ...alice, email: `${name}@example.com` }, from)

    const first = await admin.list({ limit: 2 })
    const second = await admin.list({ limit: 2, cursor: first.next ?? '' })

    assert.deepEqual([...first.users, ...second.users].map(({ email }) => email), ['a@example.com', 'b@example.com', 'c@example.com'])
    assert.equal(second.next, null)
    assert.deepEqual((await admin.list({ q: 'B@', limit: 10 })).users.map(({ email }) => email), ['b@example.com'])
    assert.ok(!('password_hash' in first.users[0]!))
  })

  it('lists users in pages by each of their sorts, forwards and backwards', async () => {
    const { accounts, admin, peer: { database } } = await open()
    const ids: string[] = []
    for (const [at, name] of ['c', 'a', 'e', 'b', 'd'].entries()) {
      await accounts.register({ ...alice, email: `${name}@example.com` }, from)
      const { id } = await admin.byEmail(`${name}@example.com`)
      ids.push(id)
      const values = {
        used_bytes: at % 2, last_seen_at: [0, 50, 0, 70, 60][at]!, created_at: 10 - at,
        state: at === 3 ? 'suspended' as const : 'active' as const
      }
      await database.transaction(async tx => tx.updateTable('users').set(values).where('id', '=', id).execute())
    }
    const paged = async (by: UserSort, descending: boolean): Promise<string> => {
      const names: string[] = []
      for (let cursor: string | undefined; ;) {
        const { users, next } = await admin.list({ sort: { by, descending }, limit: 2, cursor })
        names.push(...users.map(({ email }) => email.slice(0, 1)))
        if (next == null) return names.join('')
        cursor = next
      }
    }

    for (const by of userSorts) {
      const all = (await admin.list({ sort: { by, descending: false }, limit: 10 })).users
      const valueOf = (user: (typeof all)[number]): string | number => user[by]
      assert.deepEqual(all, all.toSorted((a, b) => valueOf(a) < valueOf(b) ? -1 : valueOf(a) > valueOf(b) ? 1 : a.id < b.id ? -1 : 1), by)
      const forwards = all.map(({ email }) => email.slice(0, 1)).join('')
      assert.deepEqual([await paged(by, false), await paged(by, true)], [forwards, [...forwards].toReversed().join('')], by)
    }
    const { next } = await admin.list({ sort: { by: 'used_bytes', descending: true }, limit: 2 })
    for (const sort of [{ by: 'used_bytes' as const, descending: false }, { by: 'created_at' as const, descending: true }]) {
      await assert.rejects(admin.list({ sort, limit: 2, cursor: next ?? '' }), code('INVALID_ARGUMENT'))
    }
  })

  timed('knows to the minute when somebody was last here, by a key or a log-in', async () => {
    const clock = new SimClock()
    const { accounts, admin } = await open({}, clock)
    const { apiKey } = await accounts.register(alice, from)
    const { id } = await admin.byEmail(alice.email)
    const seen = async (): Promise<number> => (await admin.get(id)).last_seen_at
    assert.equal(await seen(), 0)

    await accounts.byKey(apiKey ?? '', from)
    await clock.advance(61_000)
    const byKey = await seen()
    await clock.advance(600_000)
    assert.equal(await seen(), byKey)
    const { session } = await accounts.login(alice, from)
    await accounts.bySession(session, from)
    await clock.advance(61_000)

    assert.ok(byKey > clock.now() - 800_000 && await seen() >= byKey + 600_000, `${byKey} ${await seen()}`)
  })

  it('tells the other peers of the database within a moment that a key was revoked', async () => {
    const here = await open()
    const there = await accountsOn(await databases.another())
    running.push(there)
    const { apiKey } = await here.accounts.register(alice, from)
    const caller = await here.accounts.byKey(apiKey ?? '', from)
    const own = await here.accounts.createKey(caller, { name: 'own', permissions, expiresAt: null, maxUses: null })
    await there.accounts.byKey(own.apiKey, from)

    await here.accounts.revokeKey(caller, own.id)

    for (let isRefused = false; !isRefused;) {
      isRefused = await there.accounts.byKey(own.apiKey, from).then(() => false, code('NOT_AUTHORIZED'))
    }
  })
})
