import { join } from 'node:path'
import type { Clock, Random } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Workers } from '../base/worker.ts'
import type { ServiceApiConfig } from '../config/service-config.ts'
import type { SqlDatabase } from '../service/sql/sql.ts'

/** SQLite's file. Not in the state folder, which operators may remove: the pinset comes back from other peers, accounts don't. */
export const serviceDatabaseFile = (folder: string): string => join(folder, 'service', 'service.sqlite')

export interface ServiceDatabaseInit { folder: string, section: ServiceApiConfig }

export type MakeDatabase = (deps: { clock: Clock, random: Random, log: Logger, workers: Workers }) => SqlDatabase

/** The database that the section asks for; only its code is loaded. */
export async function loadDatabase ({ folder, section }: ServiceDatabaseInit): Promise<MakeDatabase> {
  const url = section.database.url?.reveal()
  if (url == null) {
    const { sqliteDatabase } = await import('../service/sql/sqlite/sqlite-database.ts')
    return deps => sqliteDatabase({ file: serviceDatabaseFile(folder) }, deps)
  }
  const { postgresDatabase } = await import('../service/sql/postgres/postgres-database.ts')
  return deps => postgresDatabase({ url }, deps)
}
