import { ClusterError } from '../../base/errors.ts'
import { addressOf } from './address.ts'
import type { NewKey } from './accounts.ts'
import type { AccountsDeps, AccountsInit, Actor } from './accounts-deps.ts'
import { newInvite } from './secrets.ts'
import type { SqlAccounts } from './sql-accounts.ts'
import type { UserRow, UserState } from '../sql/tables.ts'
import type { InviteQuery, InviteSummary } from './invites.ts'
import type { UserQuery } from './user-list.ts'
import { listUsers } from './user-list.ts'

/** A user as an admin sees it: never a password. */
export type UserSummary = Omit<UserRow, 'password_hash'>

/** An account that an admin makes: verified from the start. `quotaBytes` absent: the configured one. */
export interface NewAccount { email: string, password: string, role: 'user' | 'admin', quotaBytes?: number | undefined }

/** What admins and the command line may do to accounts. Everything is in the audit log. Unknown users are NOT_FOUND. */
export class AccountAdmin {
  readonly #init: Pick<AccountsInit, 'quotaBytes'>
  readonly #deps: Omit<AccountsDeps, 'mail' | 'workers' | 'clock' | 'log'> & { accounts: SqlAccounts }

  constructor (
    init: Pick<AccountsInit, 'quotaBytes'>, deps: Omit<AccountsDeps, 'mail' | 'workers' | 'clock' | 'log'> & { accounts: SqlAccounts }
  ) {
    this.#init = init
    this.#deps = deps
  }

  /** `next` is null on the last page. INVALID_ARGUMENT for a cursor that isn't one of this list. */
  async list (query: UserQuery): Promise<{ users: UserSummary[], next: string | null }> {
    const { users, next } = await listUsers(query, this.#deps)
    return { users: users.map(summary), next }
  }

  async get (id: string): Promise<UserSummary> { return summary(await this.#one('id', id)) }

  async byEmail (email: string): Promise<UserSummary> { return summary(await this.#one('email_key', addressOf(email).key)) }

  async setQuota (id: string, quotaBytes: number, actor: Actor): Promise<UserSummary> {
    return this.#change(id, { quota_bytes: quotaBytes }, { ...actor, action: 'quota', details: { quotaBytes } })
  }

  /** Ends log-ins, and refuses keys, of a suspended account; its content stays. */
  async setState (id: string, state: Exclude<UserState, 'deleting'>, actor: Actor): Promise<UserSummary> {
    if (actor.actor === `user:${id}` && state === 'suspended') {
      throw new ClusterError('REJECTED', {}, { message: 'nobody suspends themselves' })
    }
    return this.#change(id, { state }, { ...actor, action: state === 'suspended' ? 'suspend' : 'resume' })
  }

  /** The code, shown once. */
  async invite (
    { email, lifetimeMs }: { email: string | null, lifetimeMs: number }, actor: Actor
  ): Promise<{ code: string, expiresAt: number }> {
    const { database, random, accounts } = this.#deps
    const code = newInvite(random)
    const expiresAt = database.now() + lifetimeMs
    await database.transaction(async tx => accounts.invites.make(tx, { code, email, expiresAt }, actor))
    return { code, expiresAt }
  }

  /** Newest first, without their codes. */
  async invites (query: InviteQuery): Promise<{ invites: InviteSummary[], next: string | null }> {
    return this.#deps.accounts.invites.list(query)
  }

  /** Idempotent. CONFLICT for one that was used. */
  async revokeInvite (id: string, actor: Actor): Promise<void> { await this.#deps.accounts.invites.revoke(id, actor) }

  /** An account with a proven address. CONFLICT when there is one, unless it is taken over: then whoever had it keeps no way in. */
  async add (
    { email, password, role, quotaBytes }: NewAccount, { takeOver, ...actor }: Actor & { takeOver: boolean }
  ): Promise<{ id: string, apiKey: string }> {
    const { database, audit, passwords, accounts } = this.#deps
    const address = addressOf(email)
    const hash = await passwords.hash(password)
    return accounts.changes.transaction(async tx => {
      const known = takeOver ? await tx.selectFrom('users').selectAll().where('email_key', '=', address.key).executeTakeFirst() : undefined
      const user = known ?? await accounts.registrations.create(tx, {
        address, passwordHash: hash, role, quotaBytes: quotaBytes ?? this.#init.quotaBytes, verified: true
      })
      if (known != null) {
        await tx.updateTable('users').set({
          password_hash: hash, role, verified_at: database.now(), ...(quotaBytes == null ? {} : { quota_bytes: quotaBytes })
        }).where('id', '=', known.id).execute()
        await accounts.keysOfUsers.end(tx, known.id, 'all')
        await accounts.sessions.endAll(tx, known.id)
      }
      const apiKey = await accounts.keysOfUsers.createDefault(tx, { id: user.id, workspace: user.workspace_id })
      await audit.record(tx, { ...actor, user: user.id, action: known == null ? 'add' : 'take-over', object: role })
      return { id: user.id, apiKey }
    })
  }

  async createKey (id: string, key: NewKey, actor: Actor): Promise<{ id: string, apiKey: string }> {
    const { database, audit, accounts } = this.#deps
    const user = await this.#one('id', id)
    return database.transaction(async tx => {
      const made = await accounts.keysOfUsers.create(tx, { id, workspace: user.workspace_id }, { ...key, kind: 'own' })
      await audit.record(tx, { ...actor, user: id, action: 'key-create', object: made.id })
      return made
    })
  }

  async #change (
    id: string, values: Partial<Pick<UserRow, 'quota_bytes' | 'state'>>,
    { action, details, ...actor }: Actor & { action: string, details?: Readonly<Record<string, unknown>> }
  ): Promise<UserSummary> {
    const { audit, accounts } = this.#deps
    return accounts.changes.transaction(async tx => {
      const known = await tx.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
      if (known == null) throw noUser()
      if (known.state === 'deleting') throw new ClusterError('CONFLICT', {}, { message: 'the account is being deleted' })
      await tx.updateTable('users').set(values).where('id', '=', id).execute()
      if (values.state === 'suspended') await accounts.sessions.endAll(tx, id)
      await audit.record(tx, { ...actor, user: id, action, ...(details == null ? {} : { details }) })
      await accounts.changes.tell(tx, id)
      return summary({ ...known, ...values })
    })
  }

  async #one (column: 'id' | 'email_key', value: string): Promise<UserRow> {
    const user = await this.#deps.database.db.selectFrom('users').selectAll().where(column, '=', value).executeTakeFirst()
    if (user == null) throw noUser()
    return user
  }
}

const noUser = (): ClusterError => new ClusterError('NOT_FOUND', {}, { message: 'there is no such user' })

function summary ({ password_hash: _never, ...user }: UserRow): UserSummary { return user }
