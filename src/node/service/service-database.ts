import { join } from 'node:path'
import type { Clock, Random } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Workers } from '../../base/worker.ts'
import type { ServiceApiConfig, ServiceConfig } from '../../config/service-config.ts'
import type { SqlDatabase } from '../../service/sql/sql.ts'

/** SQLite's file. Not in the state folder, which operators may remove: the pinset comes back from other peers, accounts don't. */
export const serviceDatabaseFile = (folder: string): string => join(folder, 'service', 'service.sqlite')

export interface ServiceDatabaseInit {
  folder: string
  section: ServiceApiConfig
  /** The peer itself, and not a command beside it: there is one on a folder. */
  isPeer: boolean
}

/** SQLite or PostgreSQL, as configured. */
export type MakeDatabase = (deps: { clock: Clock, random: Random, log: Logger, workers: Workers }) => SqlDatabase

/** The database that the section asks for; only its code is loaded. */
export async function loadDatabase ({ folder, section, isPeer }: ServiceDatabaseInit): Promise<MakeDatabase> {
  const url = section.database.url?.reveal()
  if (url == null) {
    const { sqliteDatabase } = await import('../../service/sql/sqlite/sqlite-database.ts')
    return deps => sqliteDatabase({ file: serviceDatabaseFile(folder), isOnlyListener: isPeer }, deps)
  }
  const { postgresDatabase } = await import('../../service/sql/postgres/postgres-database.ts')
  return deps => postgresDatabase({ url }, deps)
}

/**
 * Writes a copy of the service's SQLite database into a new file, whether the peer runs or not. Throws INVALID_CONFIG without a section
 * `api.service`, UNSUPPORTED when the database is PostgreSQL, NOT_FOUND when there is none yet, CONFLICT when the target is there.
 */
export async function backUpService ({ folder, config }: { folder: string, config: ServiceConfig }, target: string): Promise<void> {
  const section = config.api.service
  if (section == null) throw new ClusterError('INVALID_CONFIG', {}, { message: 'service.json has no section api.service' })
  if (section.database.url != null) {
    throw new ClusterError('UNSUPPORTED', {}, { message: 'the service\'s database is PostgreSQL: back it up with pg_dump' })
  }
  const { copyDatabase } = await import('../../service/sql/sqlite/backup.ts')
  copyDatabase(serviceDatabaseFile(folder), target)
}
