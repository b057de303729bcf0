import { batchesOf } from '../../base/batches.ts'
import type { Logger } from '../../base/log.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import { parseCid } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import { pinOf } from '../cluster-pins/apply.ts'
import { isMarked } from '../cluster-pins/mark.ts'
import { applyAgain, mostAtOnce, rowsOf } from '../cluster-pins/rows.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { ClusterPinRow } from '../sql/tables.ts'
import { slices } from './slices.ts'

export interface PinsetDeps { database: SqlDatabase, cluster: Pick<ClusterApi, 'allocation' | 'allocations' | 'unpin'>, log: Logger }

/** A pin without a row may be one whose row is being made. */
const youngMs = 3_600_000
/** More orphans than peers that died can have left: then it is the table that lost something. */
const mostOrphans = 100

/**
 * What somebody here owns is in the pinset, and what this service has pinned there is somebody's. What others have pinned is never touched.
 */
export async function repairPinset (deps: PinsetDeps, signal: AbortSignal): Promise<{ removedByOthers: number, orphanPins: number }> {
  return { removedByOthers: await wantAgain(deps, signal), orphanPins: await removeOrphans(deps, signal) }
}

async function wantAgain ({ database, cluster }: PinsetDeps, signal: AbortSignal): Promise<number> {
  const next = async (after: string, limit: number): Promise<ClusterPinRow[]> =>
    database.db.selectFrom('cluster_pins').selectAll().where('cid', '>', after).orderBy('cid').limit(limit).execute()
  let again = 0
  for await (const rows of slices(next, ({ cid }) => cid, signal)) {
    const lost = rows.filter(({ cid, want, applied }) => want === 'pin' && applied === 1 && pinOf(cluster, parseCid(cid)) == null)
    if (lost.length === 0) continue
    await database.transaction(async tx => {
      for (const row of lost) await applyAgain(tx, row, database.now())
    })
    again += lost.length
  }
  return again
}

async function removeOrphans (deps: PinsetDeps, signal: AbortSignal): Promise<number> {
  const { database, cluster, log } = deps
  const orphans = await findOrphans(deps, signal)
  if (orphans.length > mostOrphans) {
    log.error(
      'the pinset has pins of this service that the database knows nothing of; they stay: was an older database put back?',
      { pins: orphans.length, first: orphans[0] ?? '' }
    )
    return 0
  }
  for (const cid of orphans) {
    // once more: the last look was some time ago
    const [row] = await rowsOf(database.db, [cid])
    if (row == null) await cluster.unpin(parseCid(cid), { signal })
  }
  return orphans.length
}

async function findOrphans ({ database, cluster }: PinsetDeps, signal: AbortSignal): Promise<string[]> {
  const orphans: string[] = []
  for await (const pins of cluster.allocations({ signal })) {
    const ours = pins.filter(pin => isOurs(pin, database)).map(({ cid }) => cid.toString())
    for (const some of batchesOf(ours, mostAtOnce)) {
      const known = new Set((await rowsOf(database.db, some)).map(({ cid }) => cid))
      for (const cid of some) if (!known.has(cid) && orphans.length <= mostOrphans) orphans.push(cid)
    }
  }
  return orphans
}

const isOurs = (pin: Pin, database: SqlDatabase): boolean => isMarked(pin, database.serviceId()) && pin.timestamp < database.now() - youngMs
