import { freshStore } from '../../leveldb/fresh-store.ts'
import { GuardedFiles } from '../../leveldb/guarded-files.ts'
import type { Damage } from '../../leveldb/guarded-files.ts'
import { rescue } from '../../leveldb/rescue.ts'
import type { Rescued } from '../../leveldb/rescue.ts'
import type { FoundRow } from '../../leveldb/store-files.ts'
import { damageRow } from '../datastore.ts'
import type { DamageReport } from '../datastore.ts'
import type { LevelDatastoreDeps, LevelDatastoreInit } from './level-datastore.ts'

/** The files of a datastore: what can be read of a damaged one becomes a new one, with a report in it. */
export function datastoreFiles (init: LevelDatastoreInit, deps: LevelDatastoreDeps): GuardedFiles {
  const { folder, readAtOnce } = init
  return new GuardedFiles({ folder, readAtOnce, what: 'the datastore' }, { ...deps, replace: async damage => replace(damage, init, deps) })
}

async function replace ({ at, keptAt, text, found }: Damage, init: LevelDatastoreInit, { log, proven }: LevelDatastoreDeps): Promise<void> {
  const { folder } = init
  log.error(`the datastore ${folder} is damaged (${text}): a new one is made of what can be read, the damaged files are kept in ${keptAt}`)
  const isProven = (row: FoundRow): boolean => row.value != null && proven?.(row.key.toString('latin1'), row.value) === true
  const report = ({ rows, doubtful }: Rescued): FoundRow[] => {
    const content: DamageReport = { at, folder, keptAt, what: text, rows, doubtful }
    return [{ key: Buffer.from(damageRow), value: Buffer.from(JSON.stringify(content)), intact: true }]
  }
  const rescued = await rescue({ folder, keptAt, proven: isProven }, found, async () => freshStore(init), report)
  log.info('the datastore has been made anew', { folder, ...rescued })
}
