import { readFile } from 'node:fs/promises'
import { Lifecycle } from '../base/lifecycle.ts'
import { systemClock } from '../base/system.ts'
import { loadObserver } from './compose/compose-observe.ts'
import { RecentWarnings } from '../events/warnings.ts'
import { composeNode } from './compose/compose.ts'
import { pathsIn, peerstorePath, statePath } from './folder/folder.ts'
import { removeLeftovers } from './folder/leftovers.ts'
import { printable } from './logging.ts'
import { finishImport } from '../state/stopped-state.ts'
import type { StartNode } from './node-contract.ts'

/** How long one component may take to stop. */
const stopTimeoutMs = 8000

/** Composes a peer and starts it; see `StartNode`. What is left of an earlier run that was cut off is finished or removed before. */
export const startNode: StartNode = async given => {
  const warnings = new RecentWarnings({ printed: printable }, { clock: systemClock })
  const init = { ...given, log: warnings.heardFrom(given.log, 'cluster') }
  // begun first, because it takes the kernel a while
  const locks = readFile('/proc/locks', 'latin1').catch(() => '')
  const { config, identity, ipfsIdentity } = pathsIn(init.folder)
  await finishImport(statePath(init.folder, init.config))
  await removeLeftovers(
    { folder: init.folder, files: [config, identity, ipfsIdentity, peerstorePath(init.folder, init.config)] }, { log: init.log }
  )
  const { service } = init.config.api
  // most peers have none, and nothing of it is loaded then
  const composeService = service == null ? undefined : await (await import('./compose/compose-service.ts')).loadService(init, service)
  const { components, addresses } = composeNode(init, {
    observer: await loadObserver(init), locks: async () => locks, composeService, warnings
  })
  const lifecycle = new Lifecycle({ stopTimeoutMs }, { clock: systemClock, log: init.log.child('cluster') })
  await lifecycle.start(components, init.signal)
  return {
    addresses: addresses(),
    stop: async () => lifecycle.stop(),
    failed: new Promise<never>(() => {})
  }
}
