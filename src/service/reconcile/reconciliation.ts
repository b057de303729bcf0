import type { Clock } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { ClusterPins } from '../cluster-pins/cluster-pins.ts'
import { forgetTokens } from '../pins/import-task.ts'
import type { Quota } from '../quota/quota.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { Staging } from '../staging/staging.ts'
import { repairHoldings } from './holdings.ts'
import { repairOwners } from './owners.ts'
import { repairPinset } from './pinset.ts'
import { removeOrphans } from './orphaned-objects.ts'

export interface ReconciliationDeps {
  database: SqlDatabase
  cluster: Pick<ClusterApi, 'allocation' | 'allocations' | 'unpin'>
  clusterPins: Pick<ClusterPins, 'wake'>
  quota: Pick<Quota, 'recount' | 'releaseExpired'>
  staging: Staging
  /** Which of these objects of the staging area somebody needs. */
  liveStagingKeys: (keys: readonly string[]) => Promise<Set<string>>
  workers: Workers
  clock: Clock
  log: Logger
}

/** What one look found and repaired. All 0: everything was as it has to be. */
export interface Repairs {
  /** Rows of cluster pins whose number of owners was wrong, or that were missing. */
  owners: number
  /** Holdings of quota that were wrong, and users whose sum was. */
  holdings: number
  /** Pins that somebody else removed while somebody here owns them. */
  removedByOthers: number
  /** Pins of ours that nobody owns. */
  orphanPins: number
  /** Tenant pins that told another status than their CID has. */
  statuses: number
  /** Objects in staging that nobody needs. */
  stagedObjects: number
  /** Reservations whose time is over. */
  reservations: number
}

const hourMs = 3_600_000

/**
 * Compares what hangs together and lies in different places: staging, files, tenant pins, quota, cluster pins, the pinset. At the start and
 * every hour; what was repaired is logged. Transactions keep all that is in the database equal anyway: what this finds comes from outside
 * (somebody unpins, a disk is restored) or from a process that died between two places.
 */
export class Reconciliation implements Startable {
  readonly name = 'service reconciliation'
  readonly #deps: ReconciliationDeps
  #worker: WorkerHandle | undefined

  constructor (deps: ReconciliationDeps) { this.#deps = deps }

  async start (): Promise<void> {
    this.#worker = this.#deps.workers.add({
      name: this.name,
      intervalMs: () => hourMs,
      jitter: 0.1,
      work: async signal => {
        await this.run(signal)
        return 'idle'
      }
    })
  }

  async stop (): Promise<void> { await this.#worker?.stop() }

  /** One look at everything. */
  async run (signal: AbortSignal): Promise<Repairs> {
    const { clusterPins, log } = this.#deps
    const reservations = await this.#releaseExpired()
    const owners = await repairOwners(this.#deps, signal)
    const holdings = await repairHoldings(this.#deps, signal)
    const { removedByOthers, orphanPins } = await repairPinset(this.#deps, signal)
    await forgetTokens(this.#deps.database)
    const stagedObjects = await removeOrphans(this.#deps, signal)
    const repaired: Repairs = { ...owners, holdings, removedByOthers, orphanPins, stagedObjects, reservations }
    clusterPins.wake()
    if (Object.values(repaired).some(count => count > 0)) log.info('the tables of the service were inconsistent: repaired', { ...repaired })
    else log.debug('the tables of the service are consistent')
    return repaired
  }

  async #releaseExpired (): Promise<number> {
    const { database, quota } = this.#deps
    for (let all = 0; ;) {
      const released = await database.transaction(async tx => quota.releaseExpired(tx))
      all += released
      if (released === 0) return all
    }
  }
}
