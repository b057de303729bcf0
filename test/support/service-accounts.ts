import { ClusterError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { systemRandom } from '../../src/base/system.ts'
import type { AccountsInit } from '../../src/service/accounts/accounts-deps.ts'
import { AccountAdmin } from '../../src/service/accounts/admin.ts'
import type { Passwords } from '../../src/service/accounts/passwords.ts'
import { SqlAccounts } from '../../src/service/accounts/sql-accounts.ts'
import { sqlAuditLog } from '../../src/service/audit-log/sql-audit-log.ts'
import type { AuditLog } from '../../src/service/audit-log/audit-log.ts'
import type { Mail, Message } from '../../src/service/mail/mail.ts'
import { pollUntil } from './poll.ts'
import type { TestPeer } from './service-database.ts'

/** Mail that is kept. */
export class KeptMail implements Mail {
  readonly name = 'mail'
  readonly canSend = true
  readonly letters: Message[] = []
  /** While true nothing goes out. */
  isAway = false

  async start (): Promise<void> {}
  async stop (): Promise<void> {}
  async ready (): Promise<void> { if (this.isAway) throw new ClusterError('NOT_READY') }

  async send (letter: Message): Promise<void> {
    await this.ready()
    this.letters.push(letter)
  }

  /** The code of the newest letter to an address, which may be on its way. */
  async codeFor (address: string, { after = 0 }: { after?: number } = {}): Promise<string> {
    await pollUntil(() => this.#to(address).length > after, { what: `a letter to ${address}` })
    return /code is (\d{6})/.exec(this.#to(address).at(-1)?.text ?? '')?.[1] ?? ''
  }

  count (address: string): number { return this.#to(address).length }

  #to (address: string): Message[] { return this.letters.filter(({ to }) => to === address) }
}

/** Hashes that cost nothing. */
export class PlainPasswords implements Passwords {
  /** How often one was compared. */
  compared = 0

  async hash (password: string): Promise<string> { return `plain:${password}` }

  async verify (hash: string, password: string): Promise<boolean> {
    this.compared++
    return hash === `plain:${password}`
  }
}

export interface TestAccounts {
  accounts: SqlAccounts, admin: AccountAdmin, mail: KeptMail, passwords: PlainPasswords, audit: AuditLog, peer: TestPeer,
  stop: () => Promise<void>
}

export const from = { address: '192.0.2.1' }

/** Accounts on a database, started. */
export async function accountsOn (peer: TestPeer, init: Partial<AccountsInit> = {}): Promise<TestAccounts> {
  const { database, workers, clock } = peer
  const audit = sqlAuditLog({ database, random: systemRandom })
  const [mail, passwords] = [new KeptMail(), new PlainPasswords()]
  const all = {
    registration: 'open' as const, quotaBytes: 1000, admins: new Set<string>(), sessionMs: 3_600_000, serviceName: 'Test', ...init
  }
  const accounts = new SqlAccounts(all, { database, audit, mail, passwords, workers, random: systemRandom, clock, log: silentLogger })
  const admin = new AccountAdmin(all, { database, audit, passwords, random: systemRandom, accounts })
  await accounts.start()
  return { accounts, admin, mail, passwords, audit, peer, stop: async () => accounts.stop() }
}
