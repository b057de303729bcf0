import { ClusterError } from '../../../base/errors.ts'
import type { DatabaseKind, Migration } from './migration.ts'
import { v01Tables } from './v01-tables.ts'
import { v02LinkNames } from './v02-link-names.ts'
import { v03RateLimits } from './v03-rate-limits.ts'
import { v04Events } from './v04-events.ts'
import { v05Sessions } from './v05-sessions.ts'
import { v06SeenUsers } from './v06-seen-users.ts'
import { v07PinTenants } from './v07-pin-tenants.ts'

/** In order, without gaps. */
export const migrations: readonly Migration[] = [
  v01Tables, v02LinkNames, v03RateLimits, v04Events, v05Sessions, v06SeenUsers, v07PinTenants
]

/** What bringing the tables to this version needs of the transaction that holds the database's migration lock. */
export interface MigrationConnection {
  /** The version that is there; 0 for a database without tables of ours. */
  version (): Promise<number>
  run (statement: string): Promise<void>
  setVersion (version: number): Promise<void>
}

/**
 * Brings the tables to the newest version. All of it is part of one transaction, which the caller holds under the database's lock: whoever
 * comes second finds it done, and a process that dies leaves what was there before. Gives the version that was there. Throws INVALID_DATA
 * for a newer one.
 */
export async function migrate (
  kind: DatabaseKind, connection: MigrationConnection, steps: readonly Migration[] = migrations
): Promise<number> {
  const before = await connection.version()
  const newest = steps.at(-1)?.version ?? 0
  if (before > newest) {
    throw new ClusterError('INVALID_DATA', { version: before, known: newest }, {
      message: `the service's database was written by a newer version of this program (tables of version ${before}, this one knows ${newest}): update this peer`
    })
  }
  for (const step of steps.filter(({ version }) => version > before)) {
    for (const statement of step.statements(kind)) await connection.run(statement)
    await connection.setVersion(step.version)
  }
  return before
}
