import { Lifecycle } from '../base/lifecycle.ts'
import { systemClock } from '../base/system.ts'
import { loadObserver } from './compose-observe.ts'
import { composeNode } from './compose.ts'
import { statePath } from './folder.ts'
import { finishImport } from './state-store.ts'
import type { StartNode } from './node-contract.ts'

/** How long one component may take to stop. */
const stopTimeoutMs = 8000

/** Builds a peer and starts it. */
export const startNode: StartNode = async init => {
  await finishImport(statePath(init.folder, init.config))
  const { components, addresses } = composeNode(init, await loadObserver(init))
  const lifecycle = new Lifecycle({ stopTimeoutMs }, { clock: systemClock, log: init.log.child('cluster') })
  await lifecycle.start(components, init.signal)
  return {
    addresses: addresses(),
    stop: async () => lifecycle.stop(),
    failed: new Promise<never>(() => {})
  }
}
