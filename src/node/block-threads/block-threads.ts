import { availableParallelism } from 'node:os'
import type { Clock } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { ServiceConfig } from '../../config/service-config.ts'
import type { Begun, BlockWorkers, CheckedSections, LeafBatch, LeafJob, SectionJob } from '../../importer/block-workers.ts'
import { spawnThread } from '../spawn-thread.ts'
import type { BlockThreads } from './pool.ts'

/** More than that, and the main thread can't give them enough to do. */
const usualMost = 16
const idleMs = 60_000
/** A job leaves little behind in V8's heap. MiB. */
const youngMiB = 4

/** The threads that the configuration asks for on this machine; undefined: none. */
export function composeBlockThreads (
  { cluster }: Pick<ServiceConfig, 'cluster'>, deps: { clock: Clock, log: Logger }
): (BlockWorkers & Startable) | undefined {
  const threads = blockThreadCount(cluster.blockWorkers, availableParallelism())
  return threads === 0 ? undefined : blockThreads({ threads }, { ...deps, log: deps.log.child('blockthreads') })
}

/**
 * How many threads a setting means. -1: one for each core but the main thread's; none on two cores, where the writes and the client want
 * the other one.
 */
export const blockThreadCount = (setting: number, cores: number): number =>
  setting >= 0 ? setting : cores <= 2 ? 0 : Math.min(cores - 1, usualMost)

const here = import.meta.url

/** Threads that work on blocks, whose code is loaded with the first job. */
export function blockThreads ({ threads }: { threads: number }, deps: { clock: Clock, log: Logger }): BlockWorkers & Startable {
  const spawn = (thread: number) => spawnThread({
    source: new URL('./thread.ts', here), bundled: 'block-thread.mjs', name: `blocks ${thread}`, data: undefined, youngMiB
  })
  let pool: Promise<BlockThreads> | undefined
  const loaded = async (): Promise<BlockThreads> =>
    pool ??= import('./pool.ts').then(({ BlockThreads: Pool }) => new Pool({ threads, idleMs }, { ...deps, spawn }))
  return {
    name: 'block threads',
    width: 2 * threads,
    leaves: async (job: LeafJob): Promise<Begun<LeafBatch>> => (await loaded()).leaves(job),
    sections: async (job: SectionJob): Promise<Begun<CheckedSections>> => (await loaded()).sections(job),
    start: async () => {},
    stop: async () => { await (await pool)?.stop() }
  }
}
