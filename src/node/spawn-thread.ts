import { Worker } from 'node:worker_threads'
import { ClusterError } from '../base/errors.ts'
import type { CallPort } from '../base/port-calls.ts'

/** A thread that runs. */
export interface SpawnedThread {
  port: CallPort
  /** Called once, when it has ended, with what ended it. */
  onEnd (ended: (reason: Error) => void): void
  terminate (): Promise<void>
}

export interface SpawnInit {
  source: URL
  /** Its file of the bundle, whose chunks are in a folder below it. */
  bundled: string
  name: string
  data: unknown
  /** Garbage is mostly what a request or job leaves behind, which goes with small collections. MiB. */
  youngMiB: number
}

/** Starts a thread with a program of ours, bundled or not. It doesn't keep the process alive. */
export function spawnThread ({ source, bundled, name, data, youngMiB }: SpawnInit): SpawnedThread {
  const worker = new Worker(programUrl(source, bundled), {
    workerData: data,
    name,
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

function programUrl (source: URL, bundled: string): URL {
  if (process.env.HELIA_CLUSTER_BUNDLE == null) return source
  const here = import.meta.url
  return new URL(here.includes('/chunks/') ? `../${bundled}` : `./${bundled}`, here)
}

/** Why a thread has ended, when it doesn't say. */
const endedWith = (code: number): ClusterError => new ClusterError('INTERNAL', { code }, { message: `it ended with ${code}` })
