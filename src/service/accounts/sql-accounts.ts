import { ClusterError, invalidArgument } from '../../base/errors.ts'
import { addressOf } from './address.ts'
import type { Account, AccountStatus, Accounts, Caller, NewKey, Origin, RegistrationMode, SessionSummary } from './accounts.ts'
import type { AccountsDeps, AccountsInit } from './accounts-deps.ts'
import { AccountChanges } from './account-changes.ts'
import { Codes } from './codes.ts'
import { Invites } from './invites.ts'
import { Keys } from './keys.ts'
import { unusable } from './passwords.ts'
import type { Registered, RegistrationInput, VerificationInput } from './registration.ts'
import { Registration } from './registration.ts'
import { AccountRecovery } from './account-recovery.ts'
import { Sessions } from './sessions.ts'
import { LastSeen } from './last-seen.ts'
import type { Sql } from '../sql/sql.ts'
import type { ApiKeyRow, CodePurpose, UserRow } from '../sql/tables.ts'

/** `Accounts` in tables of the service: users, their keys, sessions, codes and invitations. */
export class SqlAccounts implements Accounts {
  readonly name = 'accounts'
  readonly changes: AccountChanges
  readonly keysOfUsers: Keys
  readonly sessions: Sessions
  readonly codes: Codes
  readonly invites: Invites
  readonly registrations: Registration
  readonly #init: AccountsInit
  readonly #deps: AccountsDeps
  readonly #recovery: AccountRecovery
  readonly #lastSeen: LastSeen
  #decoy = unusable

  constructor (init: AccountsInit, deps: AccountsDeps) {
    this.#init = init
    this.#deps = deps
    this.changes = new AccountChanges(deps.database)
    this.keysOfUsers = new Keys({ ...deps, changes: this.changes })
    this.sessions = new Sessions(init, { ...deps, changes: this.changes })
    this.codes = new Codes(deps)
    this.invites = new Invites(deps)
    this.#lastSeen = new LastSeen(deps)
    this.changes.onChange(user => this.keysOfUsers.forget(user))
    this.changes.onChange(user => this.sessions.forget(user))
    const parts = {
      ...deps, changes: this.changes, keys: this.keysOfUsers, sessions: this.sessions, codes: this.codes, invites: this.invites
    }
    this.registrations = new Registration(init, parts)
    this.#recovery = new AccountRecovery(init, parts)
  }

  get registration (): RegistrationMode { return this.#init.registration }
  get sessionMs (): number { return this.#init.sessionMs }

  async start (): Promise<void> {
    this.changes.start()
    this.#decoy = await this.#deps.passwords.hash('')
    await this.keysOfUsers.start()
    await this.sessions.start()
    await this.#lastSeen.start()
  }

  async stop (): Promise<void> {
    this.changes.stop()
    await this.codes.stop()
    await this.#lastSeen.stop()
    await this.sessions.stop()
    await this.keysOfUsers.stop()
  }

  changed (user: string): void { this.changes.forget(user) }

  async byKey (secret: string, origin: Origin): Promise<Caller> { return this.#seen(await this.keysOfUsers.byKey(secret, origin)) }
  async bySession (secret: string, origin: Origin): Promise<Caller> { return this.#seen(await this.sessions.bySession(secret, origin)) }

  async register (input: RegistrationInput, origin: Origin): Promise<Registered> { return this.registrations.register(input, origin) }
  async verify (input: VerificationInput, origin: Origin): Promise<Registered> { return this.registrations.verify(input, origin) }

  async sendCode (purpose: CodePurpose, email: string, origin: Origin): Promise<void> {
    await this.#recovery.sendCode(purpose, email, origin)
  }
  async renew (
    input: { email: string, code: string, revokeAll: boolean }, origin: Origin
  ): Promise<{ apiKey: string }> { return this.#recovery.renew(input, origin) }
  async resetPassword (
    input: { email: string, code: string, password: string }, origin: Origin
  ): Promise<void> { await this.#recovery.resetPassword(input, origin) }

  #seen (caller: Caller): Caller {
    this.#lastSeen.note(caller.user.id)
    return caller
  }

  async login (
    { email, password }: { email: string, password: string }, origin: Origin
  ): Promise<{ caller: Caller, session: string, expiresAt: number }> {
    const { database, audit, passwords, log } = this.#deps
    const { key } = addressOf(email)
    const user = await database.db.selectFrom('users').selectAll().where('email_key', '=', key).executeTakeFirst()
    const isRight = await passwords.verify(user?.password_hash ?? this.#decoy, password)
    if (user == null || !isRight) {
      log.info('a log-in was refused', { user: user?.id ?? null, address: origin.address })
      throw new ClusterError('UNAUTHENTICATED', {}, { message: 'e-mail address or password are wrong' })
    }
    this.#checkMayLogIn(user)
    return database.transaction(async tx => {
      await audit.record(tx, { actor: `user:${user.id}`, user: user.id, action: 'login', address: origin.address })
      return this.sessions.begin(tx, accountOfUser(user), origin)
    })
  }

  async logout (caller: Caller): Promise<void> {
    const { user: { id }, via, address } = caller
    if (!('session' in via)) throw invalidArgument('this is no session: API keys are revoked')
    await this.changes.transaction(async tx => {
      await this.sessions.end(tx, id, via.session)
      await this.#deps.audit.record(tx, { actor: `user:${id}`, user: id, action: 'logout', address })
    })
  }

  async changePassword (caller: Caller, { old, password }: { old: string, password: string }): Promise<void> {
    const { audit, passwords } = this.#deps
    const { user: { id }, via, address } = caller
    await this.checkPassword(caller, old)
    const hash = await passwords.hash(password)
    await this.changes.transaction(async tx => {
      await tx.updateTable('users').set({ password_hash: hash }).where('id', '=', id).execute()
      await this.sessions.endAll(tx, id, 'session' in via ? { except: via.session } : {})
      await audit.record(tx, { actor: `user:${id}`, user: id, action: 'password', address })
    })
  }

  async checkPassword ({ user: { id } }: Caller, password: string): Promise<void> {
    const user = await this.#user(id)
    if (!await this.#deps.passwords.verify(user.password_hash, password)) {
      throw new ClusterError('REJECTED', {}, { message: 'the password is wrong' })
    }
  }

  async status (id: string): Promise<AccountStatus> {
    const [user, counters] = await Promise.all(
      [this.#user(id), this.#deps.database.db.selectFrom('counters').select(['name', 'value']).where('user_id', '=', id).execute()]
    )
    return {
      email: user.email,
      createdAt: user.created_at,
      verifiedAt: user.verified_at,
      fileCount: user.file_count,
      fileBytes: user.file_bytes,
      usedBytes: user.used_bytes,
      quotaBytes: user.quota_bytes,
      role: user.role,
      files: countedUnder('files:', counters),
      pins: countedUnder('pins:', counters)
    }
  }

  async sessionsOf (caller: Caller): Promise<SessionSummary[]> { return this.sessions.list(caller) }

  async endSession (caller: Caller, id: string): Promise<void> {
    await this.#endSessions(caller, async (tx, user) => this.sessions.end(tx, user, await this.sessions.named(tx, user, id)))
  }

  async endOtherSessions (caller: Caller): Promise<void> {
    const { via } = caller
    await this.#endSessions(caller, async (tx, user) => this.sessions.endAll(tx, user, 'session' in via ? { except: via.session } : {}))
  }

  async #endSessions ({ user: { id }, address }: Caller, end: (tx: Sql, user: string) => Promise<void>): Promise<void> {
    await this.changes.transaction(async tx => {
      await end(tx, id)
      await this.#deps.audit.record(tx, { actor: `user:${id}`, user: id, action: 'logout', address })
    })
  }

  async keys (user: string): Promise<ApiKeyRow[]> { return this.keysOfUsers.list(user) }

  async createKey ({ user: { id, workspace_id: workspace }, address }: Caller, key: NewKey): Promise<{ id: string, apiKey: string }> {
    const { database, audit } = this.#deps
    return database.transaction(async tx => {
      const made = await this.keysOfUsers.create(tx, { id, workspace }, { ...key, kind: 'own' })
      await audit.record(tx, {
        actor: `user:${id}`, user: id, action: 'key-create', object: made.id, address,
        details: { name: key.name, permissions: key.permissions }
      })
      return made
    })
  }

  async revokeKey ({ user: { id: user }, address }: Caller, id: string): Promise<void> {
    await this.keysOfUsers.revoke(user, id, { actor: `user:${user}`, address })
  }

  #checkMayLogIn (user: UserRow): void {
    if (user.state !== 'active') {
      throw new ClusterError('NOT_AUTHORIZED', {}, {
        message: user.state === 'suspended' ? 'the account is suspended' : 'the account is being deleted'
      })
    }
    if (this.#init.registration === 'verified' && user.verified_at == null) {
      throw new ClusterError('NOT_AUTHORIZED', {}, { message: 'the address is not confirmed yet: use the code that was mailed' })
    }
  }

  async #user (id: string): Promise<UserRow> {
    const user = await this.#deps.database.db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
    if (user == null) throw new ClusterError('NOT_FOUND', {}, { message: 'there is no such account' })
    return user
  }

}

const accountOfUser = ({ id, email, role, state, workspace_id: workspace, created_at: created }: UserRow): Account => ({
  id, email, role, state, workspace_id: workspace, created_at: created
})

const countedUnder = (prefix: string, counters: ReadonlyArray<{ name: string, value: number }>): Record<string, number> =>
  Object.fromEntries(
    counters.filter(({ name, value }) => name.startsWith(prefix) && value > 0).map(({ name, value }) => [name.slice(prefix.length), value])
  )
