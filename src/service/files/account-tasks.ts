import { AccountExports } from './account-export.ts'
import type { AccountExportDeps } from './account-export.ts'
import { accountRemoval } from './account-removal.ts'
import type { AccountRemovalDeps } from './account-removal.ts'

/**
 * Registers the tasks `account-export` (a user's own) and `account-delete` (the service's own, with `{ user }`), before tasks are started.
 * Gives what was exported.
 */
export function accountTasks (deps: AccountExportDeps & AccountRemovalDeps): AccountExports {
  accountRemoval(deps)
  return new AccountExports(deps)
}
