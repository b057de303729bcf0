import { addressOf } from './address.ts'
import type { Origin } from './accounts.ts'
import type { AccountParts, AccountsInit } from './accounts-deps.ts'
import type { Codes } from './codes.ts'
import { wrongCode } from './codes.ts'
import type { Keys } from './keys.ts'
import { codeMail } from './mail-templates.ts'
import type { Sessions } from './sessions.ts'
import type { Message } from '../mail/mail.ts'
import type { Sql } from '../sql/sql.ts'
import type { CodePurpose, UserRow } from '../sql/tables.ts'

export interface AccountRecoveryDeps extends AccountParts { keys: Keys, sessions: Sessions, codes: Codes }

/** What a mailed code is good for in an account that exists. Unknown addresses cost the same work and get the same answers. */
export class AccountRecovery {
  readonly #init: Pick<AccountsInit, 'serviceName'>
  readonly #deps: AccountRecoveryDeps

  constructor (init: Pick<AccountsInit, 'serviceName'>, deps: AccountRecoveryDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** Before the answer nothing is asked about the address. */
  async sendCode (purpose: CodePurpose, email: string, { address: from }: Origin): Promise<void> {
    const { database, mail, codes } = this.#deps
    const { key } = addressOf(email)
    await mail.ready()
    // whether it is there
    await database.db.selectFrom('meta').select('key').limit(1).execute()
    await codes.post(async () => this.#mail(purpose, key, from))
  }

  /** With a new code; null when the address has no account that wants one. */
  async #mail (purpose: CodePurpose, key: string, from: string): Promise<Message | null> {
    const { database, audit, codes } = this.#deps
    return await database.transaction(async tx => {
      const user = await tx.selectFrom('users').selectAll().where('email_key', '=', key).executeTakeFirst()
      const isWanted = user != null && user.state !== 'deleting' && (purpose !== 'verify' || user.verified_at == null)
      await audit.record(tx, { actor: 'service', user: user?.id ?? null, action: `code-${purpose}`, address: from })
      return isWanted
        ? codeMail({ service: this.#init.serviceName, to: user.email, purpose, code: await codes.issue(tx, user.id, purpose) })
        : null
    })
  }

  async renew (
    { email, code, revokeAll }: { email: string, code: string, revokeAll: boolean }, origin: Origin
  ): Promise<{ apiKey: string }> {
    const { keys } = this.#deps
    return this.#withCode({ email, purpose: 'renew', code }, origin, async (tx, user) => {
      await keys.end(tx, user.id, revokeAll ? 'all' : 'default')
      return { apiKey: await keys.createDefault(tx, { id: user.id, workspace: user.workspace_id }) }
    })
  }

  async resetPassword ({ email, code, password }: { email: string, code: string, password: string }, origin: Origin): Promise<void> {
    const { passwords, sessions } = this.#deps
    addressOf(email)
    const hash = await passwords.hash(password)
    await this.#withCode({ email, purpose: 'reset', code }, origin, async (tx, user) => {
      await tx.updateTable('users').set({ password_hash: hash }).where('id', '=', user.id).execute()
      await sessions.endAll(tx, user.id)
    })
  }

  /** The mailbox has the code, so the address is proven as well. */
  async #withCode<T> (
    { email, purpose, code }: { email: string, purpose: 'renew' | 'reset', code: string }, { address: from }: Origin,
    then: (tx: Sql, user: UserRow) => Promise<T>
  ): Promise<T> {
    const { changes, audit, codes } = this.#deps
    const { key } = addressOf(email)
    const done = await changes.transaction(async tx => {
      const user = await tx.selectFrom('users').selectAll().where('email_key', '=', key).executeTakeFirst()
      const isRight = await codes.redeem(tx, user, { purpose, code })
      await audit.record(tx, { actor: 'service', user: user?.id ?? null, action: isRight ? purpose : `${purpose}-failed`, address: from })
      if (user == null || !isRight) return null
      const result = await then(tx, user)
      await changes.tell(tx, user.id)
      return { result }
    })
    if (done == null) throw wrongCode()
    return done.result
  }
}
