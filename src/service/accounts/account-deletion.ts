import type { AuditLog } from '../audit-log/audit-log.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { Tasks } from '../tasks/tasks.ts'
import type { Caller } from './accounts.ts'
import type { SqlAccounts } from './sql-accounts.ts'

export interface AccountDeletionInit {
  /** The kind of task that writes down what is known of a user. */
  exportKind: string
  /** The kind that removes a user with all that belongs to it: the service's own task, with `{ user }`. */
  removalKind: string
}

export interface AccountDeletionDeps {
  database: SqlDatabase
  accounts: SqlAccounts
  audit: AuditLog
  tasks: Pick<Tasks, 'create' | 'wake'>
}

/** How a user takes their data along, and deletes the account. */
export class AccountDeletion {
  readonly #init: AccountDeletionInit
  readonly #deps: AccountDeletionDeps

  constructor (init: AccountDeletionInit, deps: AccountDeletionDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** Gives the task. */
  async export ({ user: { id }, address }: Caller): Promise<string> {
    const { database, audit, tasks } = this.#deps
    const task = await database.transaction(async tx => {
      await audit.record(tx, { actor: `user:${id}`, user: id, action: 'export', address })
      return tasks.create(tx, id, this.#init.exportKind, {})
    })
    tasks.wake()
    return task
  }

  /** From now on nobody gets in; files, pins and the account itself go with a task. REJECTED when the password is wrong. */
  async remove (caller: Caller, password: string): Promise<void> {
    const { accounts, audit, tasks } = this.#deps
    const { user: { id }, address } = caller
    await accounts.checkPassword(caller, password)
    await accounts.changes.transaction(async tx => {
      await tx.updateTable('users').set({ state: 'deleting' }).where('id', '=', id).execute()
      await accounts.sessions.endAll(tx, id)
      await tasks.create(tx, null, this.#init.removalKind, { user: id })
      await audit.record(tx, { actor: `user:${id}`, user: id, action: 'delete', address })
      await accounts.changes.tell(tx, id)
    })
    tasks.wake()
  }
}
