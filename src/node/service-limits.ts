import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Workers } from '../base/worker.ts'
import type { ServiceApiConfig } from '../config/service-config.ts'
import type { Limits } from '../service/limits/limits.ts'

export type MakeLimits = (deps: { clock: Clock, workers: Workers, log: Logger }) => Limits

/** Counts where peers of one service can count together: in the database, when it is one that they share. */
export async function loadLimits ({ database }: Pick<ServiceApiConfig, 'database'>): Promise<MakeLimits> {
  const url = database.url?.reveal()
  if (url == null) {
    const { memoryLimits } = await import('../service/limits/memory/memory-limits.ts')
    return memoryLimits
  }
  const { postgresLimits } = await import('../service/limits/postgres/postgres-limits.ts')
  return deps => postgresLimits({ url }, deps)
}
