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
const mostMails = 1000
/** What is done behind an answer begins so much later: not while it is sent. Always the same, so that mails go out in order. */
const behindMs = 100

/** REJECTED, the same for a wrong code and an old one. */
export const wrongCode = (): ClusterError =>
  new ClusterError('REJECTED', {}, { message: 'the verification code is not valid, or no longer' })

/**
 * Codes that are mailed to an address: six digits, good for ten minutes, five tries and one use. A new one ends the one before. Whether
 * there is an account for an address is looked up, and mails go out, a moment behind the answer: its time doesn't tell. What is away for
 * a moment, database or mail server, is tried again.
 */
export class Codes implements Startable {
  readonly name = 'codes'
  readonly #deps: AccountsDeps
  readonly #stop = new AbortController()
  /** Also what may become one. */
  readonly #mails = new Set<Promise<void>>()

  constructor (deps: AccountsDeps) { this.#deps = deps }

  async start (): Promise<void> {}

  async stop (): Promise<void> {
    this.#stop.abort(new Error('the accounts are stopped'))
    await Promise.all(this.#mails)
  }

  /** The code, to be mailed once the transaction is committed. */
  async issue (tx: Sql, user: string, purpose: CodePurpose | 'none'): Promise<string> {
    const { database, random } = this.#deps
    const code = newCode(random)
    const now = database.now()
    const row = { code_hash: codeHash(user, purpose, code), expires_at: now + lifetimeMs, attempts_left: attempts, created_at: now }
    await tx.insertInto('codes').values({ user_id: user, purpose, ...row }).onConflict(
      conflict => conflict.columns(['user_id', 'purpose']).doUpdateSet(row)
    ).execute()
    return code
  }

  /**
   * Whether it is the one. Counts a try: the transaction has to be committed in either case. A right one is gone. Asks the same of the
   * database for nobody (`user` undefined) as for somebody.
   */
  async redeem (
    tx: Sql, user: Pick<UserRow, 'id'> | undefined, { purpose, code }: { purpose: CodePurpose, code: string }
  ): Promise<boolean> {
    const id = user?.id ?? ''
    const found = await tx.selectFrom('codes').select('code_hash').where('user_id', '=', id).where('purpose', '=', purpose)
      .where('attempts_left', '>', 0).where('expires_at', '>', this.#deps.database.now()).executeTakeFirst()
    const given = codeHash(id, purpose, code)
    const isRight = timingSafeEqual(Buffer.from(found?.code_hash ?? '0'.repeat(given.length)), Buffer.from(given)) && found != null
    if (isRight) await tx.deleteFrom('codes').where('user_id', '=', id).where('purpose', '=', purpose).execute()
    else await tx.updateTable('codes').set({
      attempts_left: sql<number>`attempts_left - 1`
    }).where('user_id', '=', id).where('purpose', '=', purpose).where('attempts_left', '>', 0).execute()
    return isRight
  }

  async isPending (tx: Sql, user: string, purpose: CodePurpose): Promise<boolean> {
    const found = await tx.selectFrom('codes').select('expires_at').where('user_id', '=', user).where('purpose', '=', purpose)
      .executeTakeFirst()
    return found != null && found.expires_at > this.#deps.database.now()
  }

  /**
   * Behind the answer: what `write` gives is sent, for as long as codes live; null: nobody gets a letter. Rejects with NOT_READY when too
   * many wait already. `write` is called again while it rejects with NOT_READY.
   */
  async post (write: () => Promise<Message | null>): Promise<void> {
    if (this.#mails.size >= mostMails) {
      throw new ClusterError('NOT_READY', {}, { message: 'too many e-mails wait for the mail server: try again later' })
    }
    const sending = this.#deliver(write).catch(err => this.#deps.log.warn('an e-mail could not be sent', { err }))
    this.#mails.add(sending)
    void sending.then(() => this.#mails.delete(sending))
  }

  async #deliver (write: () => Promise<Message | null>): Promise<void> {
    const { mail, clock } = this.#deps
    const { signal } = this.#stop
    // a peer that stops writes its code down all the same
    await clock.sleep(behindMs, signal).catch(() => {})
    const until = clock.elapsed() + lifetimeMs
    const letter = await this.#untilReady(write, until)
    if (letter != null) await this.#untilReady(async () => mail.send(letter, { signal }), until)
  }

  async #untilReady<T> (work: () => Promise<T>, until: number): Promise<T> {
    const { clock } = this.#deps
    const { signal } = this.#stop
    for (let waitMs = firstRetryMs; ; waitMs *= 2) {
      try {
        return await work()
      } catch (err) {
        if (signal.aborted || !isClusterError(err, 'NOT_READY') || clock.elapsed() + waitMs > until) throw err
      }
      await clock.sleep(waitMs, signal)
    }
  }
}
