import { timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import { ClusterError } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { WorkerHandle } from '../../base/worker.ts'
import { opaqueId } from '../sql/ids.ts'
import type { Sql } from '../sql/sql.ts'
import type { ApiKeyRow } from '../sql/tables.ts'
import type { Account, Caller, NewKey, Origin, Permission } from './accounts.ts'
import { permissions } from './accounts.ts'
import type { AccountParts, Actor } from './accounts-deps.ts'
import { accountColumns, accountOf } from './accounts-deps.ts'
import { LookupCache, usualLookups } from './lookup-cache.ts'
import { isApiKey, newApiKey, prefixOf, secretHash } from './secrets.ts'

interface KnownKey { key: ApiKeyRow, account: Account, permissions: ReadonlySet<Permission> }

const flushMs = 10_000
const mostKeys = 1000

const unknownKey = (): ClusterError => new ClusterError('UNAUTHENTICATED', {}, { message: 'the API key is not valid' })
const refusedKey = (why: string): ClusterError => new ClusterError('NOT_AUTHORIZED', {}, { message: why })

/** The owner of something to whom it may not be refused for what the account is. */
export function checkAccount (account: Account): void {
  if (account.state === 'suspended') throw refusedKey('the account is suspended')
  if (account.state === 'deleting') throw refusedKey('the account is being deleted')
}

/** API keys: made, ended, and asked for by every request. */
export class Keys implements Startable {
  readonly name = 'api keys'
  readonly #deps: AccountParts
  readonly #cache: LookupCache<KnownKey>
  /** When keys were last used, not yet written. */
  readonly #used = new Map<string, number>()
  #flushing: WorkerHandle | undefined

  constructor (deps: AccountParts) {
    this.#deps = deps
    this.#cache = new LookupCache(usualLookups, { load: async id => this.#load(id), clock: deps.clock })
  }

  async start (): Promise<void> {
    this.#flushing = this.#deps.workers.add({
      name: 'times of API keys', intervalMs: () => flushMs, runAtStart: false, work: async () => this.#flush()
    })
  }

  async stop (): Promise<void> {
    await this.#flushing?.stop()
    this.#flushing = undefined
    await this.#flush().catch(err => this.#deps.log.debug('the times when API keys were last used are lost', { err }))
  }

  forget (user: string | null): void { this.#cache.forget(user) }

  async byKey (secret: string, { address }: Origin): Promise<Caller> {
    if (!isApiKey(secret)) throw unknownKey()
    const known = await this.#cache.get(`${prefixOf(secret)}:${secretHash(secret)}`)
    if (known == null) throw unknownKey()
    checkAccount(known.account)
    this.#checkUsable(known.key)
    if (known.key.max_uses != null) await this.#countUse(known.key)
    this.#used.set(known.key.id, this.#deps.database.now())
    return { user: known.account, via: { key: known.key }, permissions: known.permissions, address }
  }

  async list (user: string): Promise<ApiKeyRow[]> {
    return this.#deps.database.db.selectFrom('api_keys').selectAll().where('user_id', '=', user).orderBy('created_at', 'desc').orderBy('id')
      .execute()
  }

  /** In the transaction that makes whatever it is for. */
  async create (
    tx: Sql, owner: { id: string, workspace: string }, key: NewKey & { kind: ApiKeyRow['kind'] }
  ): Promise<{ id: string, apiKey: string }> {
    const { random, database } = this.#deps
    const apiKey = newApiKey(random)
    const id = opaqueId(random)
    const { count } = await tx.selectFrom('api_keys').select(
      tx.fn.countAll<number>().as('count')
    ).where('user_id', '=', owner.id).where('revoked_at', 'is', null).executeTakeFirstOrThrow()
    if (Number(count) >= mostKeys) {
      throw new ClusterError('REJECTED', { mostKeys }, { message: `an account has ${mostKeys} keys at most: revoke some first` })
    }
    await tx.insertInto('api_keys').values({
      id,
      user_id: owner.id,
      workspace_id: owner.workspace,
      name: key.name,
      prefix: prefixOf(apiKey),
      secret_hash: secretHash(apiKey),
      permissions: JSON.stringify(key.permissions),
      kind: key.kind,
      expires_at: key.expiresAt,
      max_uses: key.maxUses,
      created_at: database.now()
    }).execute()
    return { id, apiKey }
  }

  /** What registration and renewal give: it may do everything. */
  async createDefault (tx: Sql, owner: { id: string, workspace: string }): Promise<string> {
    const { apiKey } = await this.create(tx, owner, { name: 'default', permissions, expiresAt: null, maxUses: null, kind: 'default' })
    return apiKey
  }

  /** Ends the user's keys of that kind, or all. */
  async end (tx: Sql, user: string, which: 'default' | 'all'): Promise<void> {
    const now = this.#deps.database.now()
    let update = tx.updateTable('api_keys').set({ revoked_at: now }).where('user_id', '=', user).where('revoked_at', 'is', null)
    if (which === 'default') update = update.where('kind', '=', 'default')
    await update.execute()
    await this.#deps.changes.tell(tx, user)
  }

  async revoke (user: string, id: string, { actor, address }: Actor): Promise<void> {
    const { database, changes, audit } = this.#deps
    await changes.transaction(async tx => {
      const found = await tx.selectFrom('api_keys').select('revoked_at').where('user_id', '=', user).where('id', '=', id).executeTakeFirst()
      if (found == null) throw new ClusterError('NOT_FOUND', {}, { message: 'there is no such key' })
      if (found.revoked_at != null) return
      await tx.updateTable('api_keys').set({ revoked_at: database.now() }).where('user_id', '=', user).where('id', '=', id).execute()
      await audit.record(tx, { actor, user, action: 'key-revoke', object: id, address })
      await changes.tell(tx, user)
    })
  }

  /** By the prefix, so that the time an index takes tells nothing of the rest; the whole is compared in constant time. */
  async #load (prefixAndHash: string): Promise<KnownKey | null> {
    const [prefix = '', hash = ''] = prefixAndHash.split(':')
    const rows = await this.#deps.database.db.selectFrom('api_keys').innerJoin('users', 'users.id', 'api_keys.user_id')
      .selectAll('api_keys').select(accountColumns).where('api_keys.prefix', '=', prefix).execute()
    const row = rows.find(one => timingSafeEqual(Buffer.from(one.secret_hash), Buffer.from(hash)))
    if (row == null) return null
    return { key: row, account: accountOf(row), permissions: new Set(JSON.parse(row.permissions) as Permission[]) }
  }

  #checkUsable (key: ApiKeyRow): void {
    if (key.revoked_at != null) throw refusedKey('the API key was revoked or replaced')
    if (key.expires_at != null && key.expires_at <= this.#deps.database.now()) throw refusedKey('the API key has expired')
    if (key.max_uses != null && key.uses >= key.max_uses) throw refusedKey('the API key is used up')
  }

  /** Of keys that have a number of uses, each is counted where all peers see it. */
  async #countUse (key: ApiKeyRow): Promise<void> {
    const counted = await this.#deps.database.transaction(async tx => tx.updateTable('api_keys').set({ uses: sql<number>`uses + 1` })
      .where('user_id', '=', key.user_id).where('id', '=', key.id).whereRef('uses', '<', 'max_uses').executeTakeFirst())
    if (Number(counted.numUpdatedRows) === 0) throw refusedKey('the API key is used up')
  }

  async #flush (): Promise<'idle'> {
    const used = [...this.#used]
    if (used.length === 0) return 'idle'
    this.#used.clear()
    try {
      await this.#deps.database.transaction(async tx => {
        for (const [id, at] of used) await tx.updateTable('api_keys').set({ last_used_at: at }).where('id', '=', id).execute()
      })
    } catch (err) {
      for (const [id, at] of used) if (!this.#used.has(id)) this.#used.set(id, at)
      throw err
    }
    return 'idle'
  }
}
