import { Worker } from 'node:worker_threads'
import type { CallPort } from '../../base/port-calls.ts'
import { endedWith } from './gateway-pool.ts'
import type { SpawnedThread } from './gateway-pool.ts'
import type { ThreadInit } from './thread-init.ts'

/** The program of a thread: a source, or a file of the bundle, whose chunks are in a folder below it. */
const programUrl = (): URL => {
  const here = import.meta.url
  if (process.env.HELIA_CLUSTER_BUNDLE == null) return new URL('./thread.ts', here)
  return new URL(here.includes('/chunks/') ? '../gateway-thread.mjs' : './gateway-thread.mjs', here)
}

/** Garbage is mostly what a request leaves behind, which goes with small collections. MiB. */
const youngMiB = 16

/** Starts a thread of the gateway with what it needs to serve. */
export function spawnThread (init: ThreadInit): SpawnedThread {
  const worker = new Worker(programUrl(), {
    workerData: init,
    name: `gateway ${init.thread}`,
    resourceLimits: { maxYoungGenerationSizeMb: youngMiB },
    // those of this process may be for its own program only: --input-type, --import
    execArgv: []
  })
  let failure: Error | undefined
  worker.on('error', err => { failure = err })
  // a process whose listeners are closed has nothing to wait for
  worker.unref()
  return {
    port: worker as unknown as CallPort,
    onEnd: ended => { worker.once('exit', code => ended(failure ?? endedWith(code))) },
    terminate: async () => { await worker.terminate() }
  }
}
