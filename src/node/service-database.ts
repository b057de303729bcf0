import { join } from 'node:path'
import type { Clock, Random } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Workers } from '../base/worker.ts'
import type { ServiceApiConfig } from '../config/service-config.ts'
import type { SqlDatabase } from '../service/sql/sql.ts'

/** SQLite's file. Not in the state folder, which operators may remove: the pinset comes back from other peers, accounts don't. */
export const serviceDatabaseFile = (folder: string): string => join(folder, 'service', 'service.sqlite')

export interface ServiceDatabaseInit {
  folder: string
  section: ServiceApiConfig
  /** The peer itself, and not a command beside it: there is one on a folder. */
  isPeer: boolean
}

export type MakeDatabase = (deps: { clock: Clock, random: Random, log: Logger, workers: Workers }) => SqlDatabase

/** The database that the section asks for; only its code is loaded. */
export async function loadDatabase ({ folder, section, isPeer }: ServiceDatabaseInit): Promise<MakeDatabase> {
  const url = section.database.url?.reveal()
  if (url == null) {
    const { sqliteDatabase } = await import('../service/sql/sqlite/sqlite-database.ts')
    return deps => sqliteDatabase({ file: serviceDatabaseFile(folder), isOnlyListener: isPeer }, deps)
  }
  const { postgresDatabase } = await import('../service/sql/postgres/postgres-database.ts')
  return deps => postgresDatabase({ url }, deps)
}
