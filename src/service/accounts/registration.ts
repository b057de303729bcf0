import { ClusterError } from '../../base/errors.ts'
import { opaqueId } from '../sql/ids.ts'
import type { Sql } from '../sql/sql.ts'
import type { UserRow } from '../sql/tables.ts'
import { addressOf } from './address.ts'
import type { Origin } from './accounts.ts'
import type { AccountParts, AccountsInit } from './accounts-deps.ts'
import type { Codes } from './codes.ts'
import type { Invites } from './invites.ts'
import { wrongCode } from './codes.ts'
import type { Keys } from './keys.ts'
import { codeMail, knownAccountMail } from './mail-templates.ts'
import { unusable } from './passwords.ts'
import type { Sessions } from './sessions.ts'

/** `apiKey`: shown once; null until the address is verified. `createdAt`: Unix milliseconds. */
export interface Registered { email: string, apiKey: string | null, createdAt: number }
/** What a new user sends. `invite`: the code, where registration asks for one. */
export interface RegistrationInput { email: string, password: string, invite?: string | undefined }
/** `code`: out of the letter. `password`: the one of the registration, as a proof of who registered. */
export interface VerificationInput { email: string, code: string, password?: string | undefined }

export interface RegistrationDeps extends AccountParts { keys: Keys, sessions: Sessions, codes: Codes, invites: Invites }

interface NewUser {
  address: { email: string, key: string }, passwordHash: string, role: UserRow['role'], quotaBytes: number, verified: boolean
}

const taken = (): ClusterError => new ClusterError('CONFLICT', {}, { message: 'this e-mail address has an account already' })

/** How accounts come into being, and how their address is proven. */
export class Registration {
  readonly #init: AccountsInit
  readonly #deps: RegistrationDeps

  constructor (init: AccountsInit, deps: RegistrationDeps) {
    this.#init = init
    this.#deps = deps
  }

  async register (input: RegistrationInput, origin: Origin): Promise<Registered> {
    const { registration } = this.#init
    if (registration === 'closed') {
      throw new ClusterError('NOT_AUTHORIZED', {}, { message: 'registration is closed: the operator makes accounts' })
    }
    return registration === 'verified' ? this.#registerWithCode(input, origin) : this.#registerNow(input, origin)
  }

  async #registerNow ({ email, password, invite }: RegistrationInput, { address: from }: Origin): Promise<Registered> {
    const { database, passwords, audit, keys, invites } = this.#deps
    const address = addressOf(email)
    const needsInvite = this.#init.registration === 'invite'
    // a hash is expensive: not for what will be refused
    if (await this.#find(address.key) != null) throw taken()
    if (needsInvite) await invites.check(invite, address.key)
    const passwordHash = await passwords.hash(password)
    return database.transaction(async tx => {
      const user = await this.create(tx, { address, passwordHash, role: 'user', quotaBytes: this.#init.quotaBytes, verified: false })
      if (needsInvite) await invites.use(tx, invite ?? '', user.id)
      const apiKey = await keys.createDefault(tx, { id: user.id, workspace: user.workspace_id })
      await audit.record(tx, { actor: `user:${user.id}`, user: user.id, action: 'register', address: from })
      return { email: user.email, apiKey, createdAt: user.created_at }
    })
  }

  /** The answer is the same for an address that has an account, after the same work. */
  async #registerWithCode ({ email, password }: RegistrationInput, { address: from }: Origin): Promise<Registered> {
    const { database, passwords, mail, codes } = this.#deps
    const address = addressOf(email)
    await mail.ready()
    const known = await this.#find(address.key)
    const passwordHash = await passwords.hash(password)
    const isSame = await passwords.verify(known?.verified_at == null ? known?.password_hash ?? unusable : unusable, password)
    const service = this.#init.serviceName
    const { code, createdAt } = await database.transaction(async tx => ({
      code: await this.#await(tx, { address, passwordHash, isSame, from }), createdAt: database.now()
    }))
    const letter = code == null
      ? knownAccountMail({ service, to: known?.email ?? address.email })
      : codeMail({ service, to: address.email, purpose: 'verify', code })
    await codes.post(async () => letter)
    return { email: address.email, apiKey: null, createdAt }
  }

  /**
   * An account that waits for its code; null: it has confirmed its address already. Two people who register one address with two passwords
   * get neither: who has the code sets a new one. The same statements for every address, new or known: a new row that may find no room, a
   * password that may be nobody's, a code that may be good for nothing.
   */
  async #await (
    tx: Sql,
    { address, passwordHash, isSame, from }: {
      address: { email: string, key: string }, passwordHash: string, isSame: boolean, from: string
    }
  ): Promise<string | null> {
    const { audit, codes } = this.#deps
    const fresh = await this.#insert(tx, { address, passwordHash, role: 'user', quotaBytes: this.#init.quotaBytes, verified: false })
    const user = await tx.selectFrom('users').selectAll().where('email_key', '=', address.key).executeTakeFirstOrThrow()
    const [isNew, isConfirmed] = [user.id === fresh.id, user.verified_at != null]
    const isContested = await codes.isPending(tx, user.id, 'verify') && !isSame && !isNew
    await tx.updateTable('users').set({
      password_hash: isContested ? unusable : passwordHash
    }).where('id', '=', isConfirmed ? '' : user.id).execute()
    await tx.deleteFrom('workspaces').where('id', '=', isNew ? '' : fresh.workspace).execute()
    await audit.record(tx, { actor: 'service', user: user.id, action: isConfirmed ? 'register-again' : 'register', address: from })
    const code = await codes.issue(tx, user.id, isConfirmed ? 'none' : 'verify')
    return isConfirmed ? null : code
  }

  async verify ({ email, code, password }: VerificationInput, { address: from }: Origin): Promise<Registered> {
    const { changes, passwords } = this.#deps
    const address = addressOf(email)
    const known = await this.#find(address.key)
    const isOwnPassword = password != null && await passwords.verify(known?.password_hash ?? unusable, password)
    if (password != null && !isOwnPassword) throw wrongCode()
    const done = await changes.transaction(async tx => this.#verified(tx, { key: address.key, code, isOwnPassword, from }))
    if (done == null) throw wrongCode()
    return done
  }

  /** null: the code is wrong, which the transaction has counted. */
  async #verified (
    tx: Sql, { key, code, isOwnPassword, from }: { key: string, code: string, isOwnPassword: boolean, from: string }
  ): Promise<Registered | null> {
    const { database, changes, audit, codes, keys } = this.#deps
    const user = await tx.selectFrom('users').selectAll().where('email_key', '=', key).executeTakeFirst()
    const isRight = await codes.redeem(tx, user, { purpose: 'verify', code })
    await audit.record(tx, { actor: 'service', user: user?.id ?? null, action: isRight ? 'verify' : 'verify-failed', address: from })
    if (user == null || !isRight) return null
    const becomesAdmin = user.role !== 'admin' && this.#init.admins.has(key)
    const isNew = this.#init.registration === 'verified' && user.verified_at == null
    await tx.updateTable('users').set({
      verified_at: user.verified_at ?? database.now(), ...(becomesAdmin ? { role: 'admin' as const } : {})
    }).where('id', '=', user.id).execute()
    if (becomesAdmin) await this.#promoted(tx, user, { keepsPassword: isNew || isOwnPassword, from })
    await changes.tell(tx, user.id)
    const owner = { id: user.id, workspace: user.workspace_id }
    return { email: user.email, apiKey: isNew || becomesAdmin ? await keys.createDefault(tx, owner) : null, createdAt: user.created_at }
  }

  /** Whoever had the account before the address was proven keeps no way in. */
  async #promoted (tx: Sql, user: UserRow, { keepsPassword, from }: { keepsPassword: boolean, from: string }): Promise<void> {
    const { audit, keys, sessions } = this.#deps
    await keys.end(tx, user.id, 'all')
    await sessions.endAll(tx, user.id)
    if (!keepsPassword) await tx.updateTable('users').set({ password_hash: unusable }).where('id', '=', user.id).execute()
    await audit.record(tx, { actor: 'service', user: user.id, action: 'role', object: 'admin', address: from })
  }

  /** CONFLICT when the address is taken. */
  async create (tx: Sql, user: NewUser): Promise<UserRow> {
    const { id, isInserted } = await this.#insert(tx, user)
    if (!isInserted) throw taken()
    return tx.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  }

  /** Not when the address is taken; then the workspace is nobody's. */
  async #insert (
    tx: Sql, { address, passwordHash, role, quotaBytes, verified }: NewUser
  ): Promise<{ id: string, workspace: string, isInserted: boolean }> {
    const { database, random } = this.#deps
    const now = database.now()
    const [id, workspace] = [opaqueId(random), opaqueId(random)]
    await tx.insertInto('workspaces').values({ id: workspace, name: address.email, created_at: now }).execute()
    const inserted = await tx.insertInto('users').values({
      id,
      email: address.email,
      email_key: address.key,
      password_hash: passwordHash,
      created_at: now,
      verified_at: verified ? now : null,
      state: 'active',
      role,
      quota_bytes: quotaBytes,
      workspace_id: workspace
    }).onConflict(conflict => conflict.column('email_key').doNothing()).executeTakeFirst()
    return { id, workspace, isInserted: Number(inserted.numInsertedOrUpdatedRows) > 0 }
  }

  async #find (key: string): Promise<UserRow | undefined> {
    return this.#deps.database.db.selectFrom('users').selectAll().where('email_key', '=', key).executeTakeFirst()
  }
}
