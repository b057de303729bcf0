import type { Clock, Random } from './clock.ts'
import type { Startable } from './lifecycle.ts'
import type { Logger } from './log.ts'
import { messageOf } from './errors.ts'

/** A background loop: one unit of work at a time. The runner owns interval, jitter, back-off and counting. */
export interface Worker {
  readonly name: string
  /** How long to wait after a run that says 'idle'. Asked each time, so it may change. Milliseconds. */
  intervalMs (): number
  /** Share of the interval by which each wait may vary, 0 to 1 (0.3: plus or minus 30 %). Default 0. */
  readonly jitter?: number
  /** Whether the first run comes at once (default) or after one interval. */
  readonly runAtStart?: boolean
  /** One unit of work. 'busy': run again at once; 'idle': wait. Throwing counts as an error and backs off (up to the interval). */
  work (signal: AbortSignal): Promise<'busy' | 'idle'>
}

export interface WorkerStatus { name: string, runs: number, errors: number, consecutiveErrors: number, lastError: string | null, lastRunAt: number | null }

/** A worker that has been given to the runner. */
export interface WorkerHandle {
  /** Ends the current wait, so that the next run comes now. */
  wake (): void
  status (): WorkerStatus
}

export interface WorkerRunnerDeps { clock: Clock, random: Random, log: Logger }

const firstBackOffMs = 1000

/** Runs all background loops of a peer. `stop` aborts the running units and waits for them. */
export class WorkerRunner implements Startable {
  readonly name = 'workers'
  readonly #deps: WorkerRunnerDeps
  readonly #loops: Loop[] = []
  readonly #stop = new AbortController()
  #started = false

  constructor (deps: WorkerRunnerDeps) { this.#deps = deps }

  /** Adds a worker; it runs from `start` on, or at once when the runner has started. */
  add (worker: Worker): WorkerHandle {
    const loop = new Loop(worker, this.#deps, this.#stop.signal)
    this.#loops.push(loop)
    if (this.#started) loop.start()
    return loop
  }

  async start (): Promise<void> {
    this.#started = true
    for (const loop of this.#loops) loop.start()
  }

  async stop (): Promise<void> {
    this.#stop.abort(new Error('the worker runner stops'))
    await Promise.all(this.#loops.map(async loop => loop.ended()))
  }

  statuses (): WorkerStatus[] { return this.#loops.map(loop => loop.status()) }
}

class Loop implements WorkerHandle {
  readonly #worker: Worker
  readonly #deps: WorkerRunnerDeps
  readonly #stop: AbortSignal
  readonly #status: WorkerStatus
  #running: Promise<void> = Promise.resolve()
  #waiting: AbortController | undefined
  #woken = false

  constructor (worker: Worker, deps: WorkerRunnerDeps, stop: AbortSignal) {
    this.#worker = worker
    this.#deps = deps
    this.#stop = stop
    this.#status = { name: worker.name, runs: 0, errors: 0, consecutiveErrors: 0, lastError: null, lastRunAt: null }
  }

  start (): void { this.#running = this.#loop() }
  async ended (): Promise<void> { await this.#running }
  status (): WorkerStatus { return { ...this.#status } }

  wake (): void {
    this.#woken = true
    this.#waiting?.abort()
  }

  async #loop (): Promise<void> {
    if (this.#worker.runAtStart === false) await this.#wait(this.#worker.intervalMs())
    while (!this.#stop.aborted) {
      const result = await this.#runOnce()
      if (result === 'idle') await this.#wait(this.#nextWaitMs())
    }
  }

  async #runOnce (): Promise<'busy' | 'idle'> {
    const status = this.#status
    status.runs++
    status.lastRunAt = this.#deps.clock.now()
    try {
      const result = await this.#worker.work(this.#stop)
      status.consecutiveErrors = 0
      return result
    } catch (err) {
      if (this.#stop.aborted) return 'idle'
      status.errors++
      status.consecutiveErrors++
      status.lastError = messageOf(err)
      this.#deps.log.warn('background work failed', { worker: status.name, err, inARow: status.consecutiveErrors })
      return 'idle'
    }
  }

  #nextWaitMs (): number {
    const interval = this.#worker.intervalMs()
    const errors = this.#status.consecutiveErrors
    const base = errors === 0 ? interval : Math.min(interval, firstBackOffMs * 2 ** (errors - 1))
    const jitter = this.#worker.jitter ?? 0
    return base * (1 + jitter * (2 * this.#deps.random.float() - 1))
  }

  async #wait (ms: number): Promise<void> {
    if (this.#woken || this.#stop.aborted) {
      this.#woken = false
      return
    }
    const waiting = this.#waiting = new AbortController()
    const onStop = (): void => waiting.abort()
    this.#stop.addEventListener('abort', onStop, { once: true })
    await this.#deps.clock.sleep(ms, waiting.signal).catch(() => {})
    this.#stop.removeEventListener('abort', onStop)
    this.#waiting = undefined
    this.#woken = false
  }
}
