import type { Clock, Random } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Workers } from '../../base/worker.ts'
import type { AuditLog } from '../audit-log/audit-log.ts'
import type { Mail } from '../mail/mail.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { AccountChanges } from './account-changes.ts'
import type { Account, Caller, RegistrationMode } from './accounts.ts'
import type { Passwords } from './passwords.ts'

/** The settings of registration and sign-in. */
export interface AccountsInit {
  registration: RegistrationMode
  /** Of new accounts. */
  quotaBytes: number
  /** Addresses, folded, whose accounts become admins with a code. */
  admins: ReadonlySet<string>
  sessionMs: number
  /** What letters call this service. */
  serviceName: string
}

export interface AccountsDeps {
  database: SqlDatabase
  audit: AuditLog
  mail: Mail
  passwords: Passwords
  workers: Workers
  random: Random
  clock: Clock
  log: Logger
}

/** Who changes something, for the audit log. `actor` as there: `user:ID`, `command-line`. */
export interface Actor { actor: string, address: string }

/** The caller as the audit log names it. */
export const actorOf = ({ user: { id }, address }: Caller): Actor => ({ actor: `user:${id}`, address })

/** What the parts of the accounts share. */
export interface AccountParts extends AccountsDeps { changes: AccountChanges }

/** What an account needs of the table `users`, for joins. */
export const accountColumns = [
  'users.id as account_id', 'users.email as account_email', 'users.role as account_role', 'users.state as account_state',
  'users.workspace_id as account_workspace', 'users.created_at as account_created'
] as const

/** A row with `accountColumns`. */
export interface AccountColumns {
  account_id: string, account_email: string, account_role: Account['role'], account_state: Account['state'], account_workspace: string,
  account_created: number
}

/** The account in a row of a query that has the columns of `accountColumns`. */
export const accountOf = (row: AccountColumns): Account =>
  ({
    id: row.account_id, email: row.account_email, role: row.account_role, state: row.account_state, workspace_id: row.account_workspace,
    created_at: row.account_created
  })
