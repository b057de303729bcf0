import type { Worker } from '../../base/worker.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { Quota } from './quota.ts'

const everyMs = 60_000

/** Gives back what was reserved by somebody who never came back to it: an upload whose peer was killed. */
export function reservationExpiry ({ database, quota }: { database: SqlDatabase, quota: Quota }): Worker {
  return {
    name: 'service-reservations',
    jitter: 0.2,
    intervalMs: () => everyMs,
    work: async () => await database.transaction(tx => quota.releaseExpired(tx)) > 0 ? 'busy' : 'idle'
  }
}
