import { inBatches } from '../../base/batches.ts'
import type { Logger } from '../../base/log.ts'
import type { StagedObject, Staging } from '../staging/staging.ts'

export interface OrphanedObjectsDeps { staging: Staging, liveStagingKeys: (keys: readonly string[]) => Promise<Set<string>>, log: Logger }

const batchSize = 500

/**
 * Removes objects of the staging area that nobody needs. Gives how many went. Their age doesn't matter: a key has its row before its first
 * byte, and none again once that is gone.
 */
export async function removeOrphans (deps: OrphanedObjectsDeps, signal: AbortSignal): Promise<number> {
  let removed = 0
  for await (const objects of inBatches(deps.staging.keys({ signal }), batchSize)) removed += await removeOf(objects, deps)
  return removed
}

async function removeOf (objects: readonly StagedObject[], { staging, liveStagingKeys, log }: OrphanedObjectsDeps): Promise<number> {
  const live = await liveStagingKeys(objects.map(({ key }) => key))
  const orphans = objects.filter(({ key }) => !live.has(key))
  for (const { key, sizeBytes } of orphans) {
    await staging.remove(key)
    log.debug('an unused staged object was removed', { sizeBytes })
  }
  return orphans.length
}
