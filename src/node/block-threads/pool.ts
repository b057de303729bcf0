import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import { Moved, PortCalls } from '../../base/port-calls.ts'
import type { Begun, BlockWorkers, CheckedSections, LeafBatch, LeafJob, SectionJob } from '../../importer/block-workers.ts'
import { leafBatch } from '../../importer/leaf-jobs.ts'
import { checkedSections } from '../../importer/section-jobs.ts'
import type { SpawnedThread } from '../spawn-thread.ts'

export interface BlockThreadsInit {
  /** How many at most, 1 or more. */
  threads: number
  /** Threads that had nothing to do for so long end. Milliseconds. */
  idleMs: number
}

export interface BlockThreadsDeps { spawn: (thread: number) => SpawnedThread, clock: Clock, log: Logger }

interface Thread { calls: PortCalls, spawned: SpawnedThread, jobs: number }

/** The next job waits in the thread's port while one runs. */
const jobsEach = 2

/** Threads that work on blocks. They begin when there is something to do, and end when there is nothing for a while. */
export class BlockThreads implements BlockWorkers, Startable {
  readonly name = 'block threads'
  readonly width: number
  readonly #init: BlockThreadsInit
  readonly #deps: BlockThreadsDeps
  readonly #threads = new Set<Thread>()
  readonly #waiting: Array<() => void> = []
  #begun = 0
  #cancelIdle: (() => void) | undefined
  #isStopped = false

  constructor (init: BlockThreadsInit, deps: BlockThreadsDeps) {
    this.#init = init
    this.#deps = deps
    this.width = init.threads * jobsEach
  }

  /** Threads that run. */
  get size (): number { return this.#threads.size }

  async start (): Promise<void> {}

  async stop (): Promise<void> {
    this.#isStopped = true
    this.#cancelIdle?.()
    for (const wake of this.#waiting.splice(0)) wake()
    await this.#endAll()
  }

  async leaves (job: LeafJob): Promise<Begun<LeafBatch>> {
    return this.#run('leaves', new Moved(job, job.into == null ? [job.bytes.buffer] : [job.bytes.buffer, job.into]), leafBatch)
  }

  async sections (job: SectionJob): Promise<Begun<CheckedSections>> {
    return this.#run('sections', new Moved(job, [job.bytes.buffer]), checkedSections)
  }

  async #run<Packed, Result> (name: string, job: Moved, read: (packed: Packed) => Result): Promise<Begun<Result>> {
    const thread = await this.#freeThread()
    const answer = thread.calls.call<Packed>(name, job)
    const done = (): void => {
      thread.jobs--
      this.#waiting.shift()?.()
      this.#watchIdle()
    }
    answer.then(done, done)
    const result = answer.then(read)
    result.catch(() => {}) // not everybody who begins a job takes its result
    return { result }
  }

  /** The one with the fewest jobs, with room for one more; counts this one. */
  async #freeThread (): Promise<Thread> {
    for (;;) {
      if (this.#isStopped) throw new ClusterError('NOT_READY', {}, { message: 'this peer is being stopped' })
      const thread = this.#leastBusy()
      if (thread != null) {
        thread.jobs++
        return thread
      }
      await new Promise<void>(resolve => { this.#waiting.push(resolve) })
    }
  }

  #leastBusy (): Thread | undefined {
    let least: Thread | undefined
    for (const thread of this.#threads) if (least == null || thread.jobs < least.jobs) least = thread
    if (least?.jobs === 0) return least
    if (this.#threads.size < this.#init.threads) return this.#begin()
    return least != null && least.jobs < jobsEach ? least : undefined
  }

  #begin (): Thread {
    const number = ++this.#begun
    const spawned = this.#deps.spawn(number)
    const thread: Thread = { calls: new PortCalls(spawned.port, { calls: {}, notes: {} }), spawned, jobs: 0 }
    this.#threads.add(thread)
    spawned.onEnd(reason => {
      const isExpected = !this.#threads.delete(thread)
      if (!isExpected) this.#deps.log.error('a thread for blocks has ended', { thread: number, jobs: thread.jobs, err: reason })
      thread.calls.end(new ClusterError('INTERNAL', {}, { message: 'a thread of this peer has ended', cause: reason }))
    })
    return thread
  }

  /** All together: who uploads now and then shall find them. */
  #watchIdle (): void {
    this.#cancelIdle?.()
    this.#cancelIdle = undefined
    for (const { jobs } of this.#threads) if (jobs > 0) return
    this.#cancelIdle = this.#deps.clock.after(this.#init.idleMs, () => {
      for (const { jobs } of this.#threads) if (jobs > 0) return
      void this.#endAll()
    })
  }

  async #endAll (): Promise<void> {
    const threads = [...this.#threads]
    this.#threads.clear()
    await Promise.all(threads.map(async ({ spawned }) => spawned.terminate()))
  }
}
