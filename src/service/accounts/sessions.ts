import { ClusterError } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { WorkerHandle } from '../../base/worker.ts'
import type { Sql } from '../sql/sql.ts'
import type { Account, Caller, Origin, SessionSummary } from './accounts.ts'
import { permissions } from './accounts.ts'
import type { AccountParts, AccountsInit } from './accounts-deps.ts'
import { accountColumns, accountOf } from './accounts-deps.ts'
import { checkAccount } from './keys.ts'
import { LookupCache, usualLookups } from './lookup-cache.ts'
import { isSession, nameOfHash, newSession, secretHash } from './secrets.ts'

interface KnownSession { expiresAt: number, account: Account }

const everything = new Set(permissions)
const sweepMs = 3_600_000

/** Of what a client calls itself. Characters. */
const agentLength = 300

const ended = (): ClusterError => new ClusterError('UNAUTHENTICATED', {}, { message: 'the session has ended: log in again' })

/** Log-ins. Each is a row, so that it can be ended at once. */
export class Sessions implements Startable {
  readonly name = 'sessions'
  readonly #init: Pick<AccountsInit, 'sessionMs'>
  readonly #deps: AccountParts
  readonly #cache: LookupCache<KnownSession>
  #sweeping: WorkerHandle | undefined

  constructor (init: Pick<AccountsInit, 'sessionMs'>, deps: AccountParts) {
    this.#init = init
    this.#deps = deps
    this.#cache = new LookupCache(usualLookups, { load: async hash => this.#load(hash), clock: deps.clock })
  }

  async start (): Promise<void> {
    this.#sweeping = this.#deps.workers.add({
      name: 'sessions that have ended', intervalMs: () => sweepMs, jitter: 0.3, work: async () => this.#sweep()
    })
  }

  async stop (): Promise<void> {
    await this.#sweeping?.stop()
    this.#sweeping = undefined
  }

  forget (user: string | null): void { this.#cache.forget(user) }

  async bySession (secret: string, { address }: Origin): Promise<Caller> {
    if (!isSession(secret)) throw ended()
    const hash = secretHash(secret)
    const known = await this.#cache.get(hash)
    if (known == null || known.expiresAt <= this.#deps.database.now()) throw ended()
    checkAccount(known.account)
    return this.#caller(known.account, hash, address)
  }

  async begin (tx: Sql, account: Account, { address, agent = '' }: Origin): Promise<{
    caller: Caller, session: string, expiresAt: number
  }> {
    const { database, random } = this.#deps
    const session = newSession(random)
    const now = database.now()
    const expiresAt = now + this.#init.sessionMs
    await tx.insertInto('sessions').values({
      id_hash: secretHash(session), user_id: account.id, created_at: now, expires_at: expiresAt, last_used_at: now, address,
      agent: agent.slice(0, agentLength)
    }).execute()
    return { caller: this.#caller(account, secretHash(session), address), session, expiresAt }
  }

  async list ({ user, via }: Caller): Promise<SessionSummary[]> {
    const { database } = this.#deps
    const rows = await database.db.selectFrom('sessions').selectAll().where('user_id', '=', user.id).where(
      'expires_at', '>', database.now()
    ).orderBy('created_at', 'desc').execute()
    return rows.map(row => ({
      id: nameOfHash(row.id_hash), createdAt: row.created_at, expiresAt: row.expires_at, address: row.address, agent: row.agent,
      isCurrent: 'session' in via && via.session === row.id_hash
    }))
  }

  /** The hash of the session that has this name; NOT_FOUND when the user has none such. */
  async named (tx: Sql, user: string, id: string): Promise<string> {
    const rows = await tx.selectFrom('sessions').select('id_hash').where('user_id', '=', user).execute()
    const found = rows.find(row => nameOfHash(row.id_hash) === id)
    if (found == null) throw new ClusterError('NOT_FOUND', {}, { message: 'there is no such session' })
    return found.id_hash
  }

  /** `except`: the hash of one that goes on. */
  async endAll (tx: Sql, user: string, { except }: { except?: string } = {}): Promise<void> {
    let removal = tx.deleteFrom('sessions').where('user_id', '=', user)
    if (except != null) removal = removal.where('id_hash', '!=', except)
    await removal.execute()
    await this.#deps.changes.tell(tx, user)
  }

  async end (tx: Sql, user: string, hash: string): Promise<void> {
    await tx.deleteFrom('sessions').where('user_id', '=', user).where('id_hash', '=', hash).execute()
    await this.#deps.changes.tell(tx, user)
  }

  #caller (user: Account, session: string, address: string): Caller { return { user, via: { session }, permissions: everything, address } }

  async #load (hash: string): Promise<KnownSession | null> {
    const row = await this.#deps.database.db.selectFrom('sessions').innerJoin('users', 'users.id', 'sessions.user_id')
      .select('sessions.expires_at').select(accountColumns).where('sessions.id_hash', '=', hash).executeTakeFirst()
    return row == null ? null : { expiresAt: row.expires_at, account: accountOf(row) }
  }

  async #sweep (): Promise<'idle'> {
    const { database } = this.#deps
    await database.transaction(async tx => {
      const now = database.now()
      await tx.deleteFrom('sessions').where('expires_at', '<=', now).execute()
      await tx.deleteFrom('codes').where('expires_at', '<=', now).execute()
    })
    return 'idle'
  }
}
