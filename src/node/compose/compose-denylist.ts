import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Workers } from '../../base/worker.ts'
import { denyFiles } from '../../ipfs/compact-denylist/deny-files.ts'
import type { DenyFiles } from '../../ipfs/compact-denylist/deny-files.ts'
import { resolveIn } from '../folder/folder.ts'
import type { NodeInit } from '../node-contract.ts'

/** The folder that is looked at when nothing is said; nobody has to have it. */
const usualFolder = 'denylists'

/** What the peer refuses. To be started before everything that asks it. */
export function composeDenylist (
  { folder, config }: NodeInit, { clock, log, workers }: { clock: Clock, log: Logger, workers: Workers }
): DenyFiles {
  const sources = config.cluster.denylists.map(text => ({ path: resolveIn(folder, text, usualFolder), required: text !== usualFolder }))
  const denylist = denyFiles({ sources }, { clock, log: log.child('denylist') })
  if (sources.length > 0) workers.add(denylist.upkeep)
  return denylist
}
