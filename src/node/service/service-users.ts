import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { systemClock, systemRandom } from '../../base/system.ts'
import { WorkerRunner } from '../../base/worker.ts'
import type { ServiceConfig } from '../../config/service-config.ts'
import { permissions } from '../../service/accounts/accounts.ts'
import type { Permission } from '../../service/accounts/accounts.ts'
import { AccountAdmin } from '../../service/accounts/admin.ts'
import { Argon2Passwords, usualArgon2 } from '../../service/accounts/passwords.ts'
import { SqlAccounts } from '../../service/accounts/sql-accounts.ts'
import { sqlAuditLog } from '../../service/audit-log/sql-audit-log.ts'
import { noMail } from '../../service/mail/no-mail.ts'
import { loadDatabase } from './service-database.ts'

/** What keys may do. */
export const keyPermissions: readonly Permission[] = permissions

/** The accounts of a peer's service, for commands beside the daemon. */
export interface ServiceUsers {
  admin: AccountAdmin
  close (): Promise<void>
}

/**
 * Opens the service's database, whether the peer runs or not. Throws INVALID_CONFIG when there is no section `api.service`, and as the
 * database does.
 */
export async function openServiceUsers (
  { folder, config }: { folder: string, config: ServiceConfig }, { log }: { log: Logger }
): Promise<ServiceUsers> {
  const section = config.api.service
  if (section == null) {
    throw new ClusterError('INVALID_CONFIG', {}, { message: 'service.json has no section api.service: this peer has no users' })
  }
  const [clock, random] = [systemClock, systemRandom]
  // never started: what looks for changes in the background has no use here
  const workers = new WorkerRunner({ clock, random, log })
  const database = (await loadDatabase({ folder, section, isPeer: false }))({ clock, random, log, workers })
  const audit = sqlAuditLog({ database, random })
  const passwords = new Argon2Passwords(usualArgon2, { random })
  const init = {
    registration: 'closed', quotaBytes: section.quotaBytes, admins: new Set<string>(), sessionMs: section.sessionLifetimeMs, serviceName: ''
  } as const
  const accounts = new SqlAccounts(init, { database, audit, mail: noMail(), passwords, workers, random, clock, log })
  await database.start(new AbortController().signal)
  return {
    admin: new AccountAdmin(init, { database, audit, passwords, random, accounts }),
    close: async () => {
      await database.stop()
      await workers.stop()
    }
  }
}
