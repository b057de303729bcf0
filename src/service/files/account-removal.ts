import type { AuditLog } from '../audit-log/audit-log.ts'
import type { ClusterPins } from '../cluster-pins/cluster-pins.ts'
import type { Pins } from '../pins/pins.ts'
import type { Quota } from '../quota/quota.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { Staging } from '../staging/staging.ts'
import type { TaskContext, Tasks } from '../tasks/tasks.ts'
import type { Uploads } from '../uploads/uploads.ts'
import type { Files } from './files.ts'

export interface AccountRemovalDeps {
  database: SqlDatabase
  files: Pick<Files, 'removeAll'>
  pins: Pick<Pins, 'all' | 'removeOf'>
  uploads: Pick<Uploads, 'forget'>
  quota: Pick<Quota, 'release'>
  clusterPins: Pick<ClusterPins, 'wake'>
  staging: Pick<Staging, 'remove'>
  audit: Pick<AuditLog, 'record'>
  tasks: Pick<Tasks, 'handle'>
  /** Told that the account is gone. */
  changed: (user: string) => void
}

/** The task is the service's own, because a user's tasks go with the account. */
export interface AccountRemovalInput { user: string }

/** The task's kind in the database. */
export const removalTaskKind = 'account-delete'

/**
 * Deletes accounts, in order: files, pins, uploads, then the account with all that hangs on it. Whoever creates the task (`user` null) has
 * set the account's state to `deleting`, so nothing is added any more. Every step is met again after an interruption.
 */
export function accountRemoval (deps: AccountRemovalDeps): void {
  deps.tasks.handle<AccountRemovalInput>(removalTaskKind, async ({ input }, context) => removeAccount(input.user, context, deps))
}

async function removeAccount (user: string, { signal, progress }: TaskContext, deps: AccountRemovalDeps): Promise<{ files: number }> {
  const { database, staging, changed } = deps
  const account = await database.db.selectFrom('users').select('state').where('id', '=', user).executeTakeFirst()
  if (account == null) return { files: 0 }
  const files = await deps.files.removeAll(user, { signal })
  await progress({ files })
  await removePins(user, signal, deps)
  const keys = await database.transaction(async tx => deps.uploads.forget(tx, user))
  for (const key of keys) await staging.remove(key)
  await endAccount(user, deps)
  changed(user)
  return { files }
}

async function removePins (user: string, signal: AbortSignal, { pins, database, clusterPins }: AccountRemovalDeps): Promise<void> {
  for await (const batch of pins.all(user, { signal })) {
    const cids = new Set(batch.map(({ cid }) => cid))
    await database.transaction(async tx => { for (const cid of cids) await pins.removeOf(tx, user, cid) })
    clusterPins.wake()
  }
}

async function endAccount (user: string, { database, quota, audit }: AccountRemovalDeps): Promise<void> {
  await database.transaction(async tx => {
    const account = await tx.selectFrom('users').select(['workspace_id', 'email']).where('id', '=', user).executeTakeFirst()
    if (account == null) return
    for (const { id } of await tx.selectFrom('reservations').select('id').where('user_id', '=', user).execute()) await quota.release(tx, id)
    await audit.record(tx, { actor: 'service', user, action: 'account-deleted', object: user })
    await tx.deleteFrom('users').where('id', '=', user).execute()
    const other = await tx.selectFrom('users').select('id').where('workspace_id', '=', account.workspace_id).limit(1).executeTakeFirst()
    if (other == null) await tx.deleteFrom('workspaces').where('id', '=', account.workspace_id).execute()
  })
}
