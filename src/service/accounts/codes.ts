import { timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Message } from '../mail/mail.ts'
import type { Sql } from '../sql/sql.ts'
import type { CodePurpose, UserRow } from '../sql/tables.ts'
import type { AccountsDeps } from './accounts-deps.ts'
import { codeHash, newCode } from './secrets.ts'

const lifetimeMs = 600_000
const attempts = 5
const firstRetryMs = 2000
const mostLetters = 1000

export const wrongCode = (): ClusterError => new ClusterError('REJECTED', {}, { message: 'the verification code is not valid, or no longer' })

/**
 * Codes that are mailed to an address: six digits, good for ten minutes, five tries and one use. A new one ends the one before. Letters go out behind the answer, so that
 * its time doesn't tell whether there is an account; a mail server that is away for a moment gets them later.
 */
export class Codes implements Startable {
  readonly name = 'codes'
  readonly #deps: AccountsDeps
  readonly #stop = new AbortController()
  readonly #letters = new Set<Promise<void>>()

  constructor (deps: AccountsDeps) { this.#deps = deps }

  async start (): Promise<void> {}

  async stop (): Promise<void> {
    this.#stop.abort(new Error('the accounts are stopped'))
    await Promise.all(this.#letters)
  }

  /** The code, to be mailed once the transaction is committed. */
  async issue (tx: Sql, user: string, purpose: CodePurpose): Promise<string> {
    const { database, random } = this.#deps
    const code = newCode(random)
    const now = database.now()
    const row = { code_hash: codeHash(user, purpose, code), expires_at: now + lifetimeMs, attempts_left: attempts, created_at: now }
    await tx.insertInto('codes').values({ user_id: user, purpose, ...row }).onConflict(conflict => conflict.columns(['user_id', 'purpose']).doUpdateSet(row)).execute()
    return code
  }

  /** Whether it is the one. Counts a try: the transaction has to be committed in either case. A right one is gone. */
  async redeem (tx: Sql, user: Pick<UserRow, 'id'>, { purpose, code }: { purpose: CodePurpose, code: string }): Promise<boolean> {
    const where = tx.selectFrom('codes').select('code_hash').where('user_id', '=', user.id).where('purpose', '=', purpose).where('attempts_left', '>', 0).where('expires_at', '>', this.#deps.database.now())
    const found = await where.executeTakeFirst()
    if (found == null) return false
    const isRight = timingSafeEqual(Buffer.from(found.code_hash), Buffer.from(codeHash(user.id, purpose, code)))
    if (isRight) await tx.deleteFrom('codes').where('user_id', '=', user.id).where('purpose', '=', purpose).execute()
    else await tx.updateTable('codes').set({ attempts_left: sql<number>`attempts_left - 1` }).where('user_id', '=', user.id).where('purpose', '=', purpose).execute()
    return isRight
  }

  async isPending (tx: Sql, user: string, purpose: CodePurpose): Promise<boolean> {
    const found = await tx.selectFrom('codes').select('expires_at').where('user_id', '=', user).where('purpose', '=', purpose).executeTakeFirst()
    return found != null && found.expires_at > this.#deps.database.now()
  }

  /** Sends it now or, while the server is away, for as long as codes live. */
  post (letter: Message): void {
    if (this.#letters.size >= mostLetters) {
      this.#deps.log.warn('a letter is not sent: too many wait for the mail server')
      return
    }
    const sending = this.#deliver(letter).catch(err => this.#deps.log.warn('a letter could not be sent', { err }))
    this.#letters.add(sending)
    void sending.then(() => this.#letters.delete(sending))
  }

  async #deliver (letter: Message): Promise<void> {
    const { mail, clock } = this.#deps
    const { signal } = this.#stop
    const until = clock.now() + lifetimeMs
    for (let waitMs = firstRetryMs; ; waitMs *= 2) {
      try {
        await mail.send(letter, { signal })
        return
      } catch (err) {
        if (signal.aborted || !isClusterError(err, 'NOT_READY') || clock.now() + waitMs > until) throw err
      }
      await clock.sleep(waitMs, signal)
    }
  }
}
