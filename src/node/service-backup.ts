import { ClusterError } from '../base/errors.ts'
import type { ServiceConfig } from '../config/service-config.ts'
import { serviceDatabaseFile } from './service-database.ts'

/**
 * Writes a copy of the service's SQLite database into a new file, whether the peer runs or not. Throws INVALID_CONFIG without a section
 * `api.service`, UNSUPPORTED when the database is PostgreSQL,
 * NOT_FOUND when there is none yet, CONFLICT when the target is there.
 */
export async function backUpService ({ folder, config }: { folder: string, config: ServiceConfig }, target: string): Promise<void> {
  const section = config.api.service
  if (section == null) throw new ClusterError('INVALID_CONFIG', {}, { message: 'service.json has no section api.service' })
  if (section.database.url != null) {
    throw new ClusterError('UNSUPPORTED', {}, { message: 'the service\'s database is PostgreSQL: back it up with pg_dump' })
  }
  const { copyDatabase } = await import('../service/sql/sqlite/backup.ts')
  copyDatabase(serviceDatabaseFile(folder), target)
}
