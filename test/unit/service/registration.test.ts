import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import type { KyselyPlugin } from 'kysely'
import { isClusterError } from '../../../src/base/errors.ts'
import type { ErrorCode } from '../../../src/base/errors.ts'
import type { AccountsInit } from '../../../src/service/accounts/accounts-deps.ts'
import type { Sql, SqlDatabase } from '../../../src/service/sql/sql.ts'
import { accountsOn, from } from '../../support/service-accounts.ts'
import type { TestAccounts } from '../../support/service-accounts.ts'
import { eachDatabase } from '../../support/service-database.ts'

const code = (wanted: ErrorCode) => (err: unknown): boolean => isClusterError(err, wanted)
const alice = { email: 'Alice@example.com', password: 'correct horse' }
const wrong = (right: string): string => right === '000000' ? '000001' : '000000'

/** The same database; each statement is noted, by its kind and its table. */
function noting (database: SqlDatabase, asked: string[]): SqlDatabase {
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      asked.push(`${node.kind} ${/"IdentifierNode","name":"(\w+)"/.exec(JSON.stringify(node))?.[1]}`)
      return node
    },
    transformResult: async ({ result }) => result
  }
  return {
    name: database.name,
    kind: database.kind,
    db: database.db.withPlugin(plugin),
    start: async () => {},
    stop: async () => {},
    transaction: async (work, options) => database.transaction(async tx => work(tx.withPlugin(plugin) as Sql), options),
    notify: async (tx, channel, text) => database.notify(tx, channel, text),
    listen: (channel, listener) => database.listen(channel, listener),
    now: () => database.now(),
    serviceId: () => database.serviceId(),
    matching: async (table, user, search) => database.matching(table, user, search)
  }
}

eachDatabase('registration and invitations', databases => {
  const running: TestAccounts[] = []
  const open = async (init: Partial<AccountsInit> = {}): Promise<TestAccounts> => {
    const made = await accountsOn(await databases.open(), init)
    running.push(made)
    return made
  }
  afterEach(async () => { for (const one of running.splice(0)) await one.stop() })

  it('gives the first key with the code in mode verified, and no log-in before', async () => {
    const { accounts, mail } = await open({ registration: 'verified' })
    const made = await accounts.register(alice, from)
    assert.equal(made.apiKey, null)
    await assert.rejects(accounts.login(alice, from), code('NOT_AUTHORIZED'))
    const sent = await mail.codeFor(alice.email)
    await assert.rejects(accounts.verify({ email: alice.email, code: wrong(sent) }, from), code('REJECTED'))

    const { apiKey } = await accounts.verify({ email: alice.email, code: sent }, from)

    await accounts.byKey(apiKey ?? '', from)
    await accounts.login(alice, from)
  })

  it('answers a known address as a new one in mode verified, and tells its owner by mail', async () => {
    const { accounts, mail, passwords } = await open({ registration: 'verified' })
    await accounts.register(alice, from)
    await accounts.verify({ email: alice.email, code: await mail.codeFor(alice.email) }, from)
    passwords.compared = 0

    const again = await accounts.register({ ...alice, password: 'another password' }, from)
    const fresh = await accounts.register({ email: 'new@example.com', password: 'another password' }, from)

    assert.deepEqual({ ...again, email: '', createdAt: 0 }, { ...fresh, email: '', createdAt: 0 })
    assert.equal(passwords.compared, 2)
    await mail.codeFor('new@example.com')
    assert.match(mail.letters.find(({ subject }) => subject.includes('already'))?.to ?? '', /Alice/)
    await accounts.login(alice, from)
  })

  it('asks the same of the database for every address that is registered in mode verified: new, waiting for its code, or confirmed', async () => {
    const { peer, mail, accounts: first, stop } = await accountsOn(await databases.open(), { registration: 'verified' })
    await first.register(alice, from)
    await first.verify({ email: alice.email, code: await mail.codeFor(alice.email) }, from)
    const asked: string[] = []
    const { accounts } = await accountsOn({ ...peer, database: noting(peer.database, asked) }, { registration: 'verified' })
    const askedFor = async (email: string, password: string): Promise<string[]> => {
      asked.length = 0
      await accounts.register({ email, password }, from)
      // the cleaning of sessions and codes goes on beside it
      return asked.filter(one => !/^Delete.* (sessions|codes)$/.test(one))
    }

    const fresh = await askedFor('new@example.com', 'a password')
    const waiting = await askedFor('new@example.com', 'another password')
    const confirmed = await askedFor(alice.email, 'another password')

    assert.deepEqual([waiting, confirmed], [fresh, fresh])
    assert.ok(fresh.length > 5)
    const left = await peer.database.db.selectFrom('workspaces').select('id').execute()
    assert.equal(left.length, 2)
    await Promise.all([accounts.stop(), stop()])
  })

  it('lets no password count when two were registered for one address before its code came', async () => {
    const { accounts, mail } = await open({ registration: 'verified' })
    await accounts.register(alice, from)
    await accounts.register({ ...alice, password: 'of somebody else' }, from)
    await accounts.verify({ email: alice.email, code: await mail.codeFor(alice.email, { after: 1 }) }, from)

    for (const password of [alice.password, 'of somebody else']) {
      await assert.rejects(accounts.login({ ...alice, password }, from), code('UNAUTHENTICATED'))
    }

    await accounts.sendCode('reset', alice.email, from)
    await accounts.resetPassword(
      { email: alice.email, code: await mail.codeFor(alice.email, { after: 2 }), password: 'mine for sure' }, from
    )
    await accounts.login({ ...alice, password: 'mine for sure' }, from)
  })

  it('makes an admin of an admins address with a code only, and leaves whoever had the account before no way in', async () => {
    const { accounts, mail } = await open({ admins: new Set(['alice@example.com']) })
    const squatted = (await accounts.register(alice, from)).apiKey ?? ''
    const { session } = await accounts.login(alice, from)
    assert.equal((await accounts.byKey(squatted, from)).user.role, 'user')
    await accounts.sendCode('verify', alice.email, from)

    const { apiKey } = await accounts.verify({ email: alice.email, code: await mail.codeFor(alice.email) }, from)

    assert.equal((await accounts.byKey(apiKey ?? '', from)).user.role, 'admin')
    await assert.rejects(accounts.byKey(squatted, from), code('NOT_AUTHORIZED'))
    await assert.rejects(accounts.bySession(session, from), code('UNAUTHENTICATED'))
    await assert.rejects(accounts.login(alice, from), code('UNAUTHENTICATED'))
  })

  it('keeps the password of an admin who gives it with the code', async () => {
    const { accounts, mail } = await open({ admins: new Set(['alice@example.com']) })
    await accounts.register(alice, from)
    await accounts.sendCode('verify', alice.email, from)
    const sent = await mail.codeFor(alice.email)
    await assert.rejects(accounts.verify({ email: alice.email, code: sent, password: 'wrong' }, from), code('REJECTED'))

    await accounts.verify({ email: alice.email, code: sent, password: alice.password }, from)

    assert.equal((await accounts.login(alice, from)).caller.user.role, 'admin')
  })

  it('registers with an invitation once, and for its address only', async () => {
    const { accounts, admin } = await open({ registration: 'invite' })
    const actor = { actor: 'command-line', address: '' }
    const { code: invite } = await admin.invite({ email: alice.email, lifetimeMs: 60_000 }, actor)
    await assert.rejects(accounts.register(alice, from), code('REJECTED'))
    await assert.rejects(accounts.register({ ...alice, email: 'bob@example.com', invite }, from), code('REJECTED'))

    await accounts.register({ ...alice, invite }, from)

    await assert.rejects(accounts.register({ ...alice, email: 'bob@example.com', invite }, from), code('REJECTED'))
  })

  it('lists invitations, newest first, by what became of them, without their codes', async () => {
    const { accounts, admin } = await open({ registration: 'invite' })
    const actor = { actor: 'user:root', address: '' }
    const made = [
      await admin.invite({ email: alice.email, lifetimeMs: 60_000 }, actor), await admin.invite({ email: null, lifetimeMs: 60_000 }, actor),
      await admin.invite({ email: null, lifetimeMs: 0 }, actor)
    ]
    await accounts.register({ ...alice, invite: made[0]!.code }, from)

    const first = await admin.invites({ limit: 2 })
    const second = await admin.invites({ limit: 2, cursor: first.next ?? '' })
    const all = [...first.invites, ...second.invites]
    const open_ = await admin.invites({ state: 'open', limit: 10 })
    const ended = await admin.invites({ state: 'ended', limit: 10 })

    assert.deepEqual([all.map(({ state }) => state).toSorted(), second.next], [['expired', 'open', 'used'], null])
    assert.deepEqual([open_.invites.length, ended.invites.length], [1, 2])
    const used = all.find(({ state }) => state === 'used')
    assert.deepEqual(
      [used?.email, used?.usedBy, used?.createdBy, used?.usedAt != null], ['alice@example.com', 'Alice@example.com', 'user:root', true]
    )
    const text = JSON.stringify(all)
    for (const { code: secret } of made) assert.ok(!text.includes(secret))
    await assert.rejects(admin.invites({ limit: 2, cursor: 'other' }), code('INVALID_ARGUMENT'))
  })

  it('revokes an invitation for good, and none that was used', async () => {
    const { accounts, admin, audit } = await open({ registration: 'invite' })
    const actor = { actor: 'command-line', address: '' }
    const { code: invite } = await admin.invite({ email: null, lifetimeMs: 60_000 }, actor)
    const { id } = (await admin.invites({ limit: 1 })).invites[0]!

    await admin.revokeInvite(id, actor)
    await admin.revokeInvite(id, actor)

    await assert.rejects(accounts.register({ ...alice, invite }, from), code('REJECTED'))
    assert.deepEqual((await admin.invites({ limit: 1 })).invites.map(({ state }) => state), ['revoked'])
    assert.equal((await audit.list({ action: 'invite-revoke' })).entries.length, 1)
    for (const unknown of ['0'.repeat(16), '', '%', id.slice(1)]) {
      await assert.rejects(admin.revokeInvite(unknown, actor), code('NOT_FOUND'))
    }

    const { code: next } = await admin.invite({ email: null, lifetimeMs: 60_000 }, actor)
    await accounts.register({ ...alice, invite: next }, from)
    const used = (await admin.invites({ limit: 10 })).invites.find(({ state }) => state === 'used')
    await assert.rejects(admin.revokeInvite(used?.id ?? '', actor), code('CONFLICT'))
  })

  it('gives an invitation to who uses it or to who revokes it, not to both', async () => {
    const { accounts, admin } = await open({ registration: 'invite' })
    const actor = { actor: 'command-line', address: '' }
    for (let round = 0; round < 8; round++) {
      const { code: invite } = await admin.invite({ email: null, lifetimeMs: 60_000 }, actor)
      const { id } = (await admin.invites({ state: 'open', limit: 1 })).invites[0]!
      const [used, revoked] = await Promise.allSettled(
        [accounts.register({ ...alice, email: `${round}@example.com`, invite }, from), admin.revokeInvite(id, actor)]
      )

      assert.notEqual(used.status, revoked.status)
      const { state } = (await admin.invites({ limit: 100 })).invites.find(one => one.id === id)!
      assert.equal(state, used.status === 'fulfilled' ? 'used' : 'revoked')
    }
  })

  it('registers nobody when registration is closed', async () => {
    const { accounts } = await open({ registration: 'closed' })

    await assert.rejects(accounts.register(alice, from), code('NOT_AUTHORIZED'))
  })
})
