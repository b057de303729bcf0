import { ClusterError } from '../../src/base/errors.ts'
import { isEmptyFolder, resolveIn, statePath } from '../../src/node/folder/folder.ts'
import type { LoadedFolder } from '../../src/node/folder/folder.ts'

/** Throws UNSUPPORTED with the way out when the pinset is still in a Go peer's format and ours is empty. */
export async function checkForeignState (folder: string, { config, foreignDatastore }: LoadedFolder): Promise<void> {
  if (foreignDatastore == null || !await isEmptyFolder(statePath(folder, config))) return
  const foreign = resolveIn(folder, foreignDatastore.folder, foreignDatastore.engine)
  if (await isEmptyFolder(foreign)) return
  const message = `the pinset is in ${foreign}, in a format of the Go peer (${foreignDatastore.engine}). Bring it over with\n` +
    `  ipfs-cluster-service -c ${folder} state export -f pins.json\n` +
    `  helia-cluster-service -c ${folder} state import pins.json\n` +
    'or start with an empty pinset: helia-cluster-service daemon --fresh'
  throw new ClusterError('UNSUPPORTED', { folder: foreign, engine: foreignDatastore.engine }, { message })
}
