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
  /** The wait after a first failure; it doubles with each further one, up to the interval. Default 1000. Milliseconds. */
  readonly firstBackOffMs?: number
  /** One unit of work. 'busy': run again at once; 'idle': wait. Throwing counts as an error and backs off (up to the interval). */
  work (signal: AbortSignal): Promise<'busy' | 'idle'>
}

/** How a background loop is doing. `lastRunAt`: Unix milliseconds, null before the first run. */
export interface WorkerStatus {
  name: string, runs: number, errors: number, consecutiveErrors: number, lastError: string | null, lastRunAt: number | null
}

/** A worker that has been given to the runner. */
export interface WorkerHandle {
  /** The next run comes now; when one is under way, right after it. */
  wake (): void
  /**
   * Ends this loop for good: aborts a run that is under way and waits for it. Idempotent. Must not be awaited inside the worker's own
   * `work`.
   */
  stop (): Promise<void>
  /** As of now, for health and logs. */
  status (): WorkerStatus
}

/** Takes background loops. What a component asks for that has one. */
export interface Workers {
  /** Adds a worker; it runs from the runner's `start` on, or at once when that has been. */
  add (worker: Worker): WorkerHandle
}

export interface WorkerRunnerDeps { clock: Clock, random: Random, log: Logger }

const defaultFirstBackOffMs = 1000
/** A worker that is busy without end must not keep timers and sockets from their turn. */
const busyRunsBeforeYield = 64

/** Runs all background loops of a peer. `stop` aborts the running units and waits for them. */
export class WorkerRunner implements Startable, Workers {
  readonly name = 'workers'
  readonly #deps: WorkerRunnerDeps
  readonly #loops = new Set<Loop>()
  #state: 'new' | 'running' | 'stopped' = 'new'

  constructor (deps: WorkerRunnerDeps) { this.#deps = deps }

  add (worker: Worker): WorkerHandle {
    const loop = new Loop(worker, this.#deps, () => this.#loops.delete(loop))
    this.#loops.add(loop)
    if (this.#state === 'running') loop.start()
    if (this.#state === 'stopped') void loop.stop()
    return loop
  }

  async start (): Promise<void> {
    if (this.#state !== 'new') return
    this.#state = 'running'
    for (const loop of this.#loops) loop.start()
  }

  async stop (): Promise<void> {
    this.#state = 'stopped'
    await Promise.all(Array.from(this.#loops, loop => loop.stop()))
  }

  statuses (): WorkerStatus[] { return Array.from(this.#loops, loop => loop.status()) }
}

class Loop implements WorkerHandle {
  readonly #worker: Worker
  readonly #deps: WorkerRunnerDeps
  readonly #onStop: () => void
  readonly #stop = new AbortController()
  readonly #status: WorkerStatus
  #running: Promise<void> | undefined
  #waiting: AbortController | undefined
  #woken = false
  #busyInARow = 0

  constructor (worker: Worker, deps: WorkerRunnerDeps, onStop: () => void) {
    this.#worker = worker
    this.#deps = deps
    this.#onStop = onStop
    this.#status = { name: worker.name, runs: 0, errors: 0, consecutiveErrors: 0, lastError: null, lastRunAt: null }
  }

  start (): void { this.#running ??= this.#loop() }
  status (): WorkerStatus { return { ...this.#status } }

  wake (): void {
    this.#woken = true
    this.#waiting?.abort()
  }

  async stop (): Promise<void> {
    this.#stop.abort(new Error('the worker is stopped'))
    this.#waiting?.abort()
    this.#onStop()
    await this.#running
  }

  async #loop (): Promise<void> {
    if (this.#worker.runAtStart === false) await this.#wait(this.#nextWaitMs())
    while (!this.#stop.signal.aborted) {
      if (await this.#runOnce() === 'idle') await this.#wait(this.#nextWaitMs())
      else await this.#yieldSometimes()
    }
  }

  async #runOnce (): Promise<'busy' | 'idle'> {
    const status = this.#status
    this.#woken = false
    status.runs++
    status.lastRunAt = this.#deps.clock.now()
    try {
      const result = await this.#worker.work(this.#stop.signal)
      status.consecutiveErrors = 0
      return result
    } catch (err) {
      if (!this.#stop.signal.aborted) this.#failed(err)
      return 'idle'
    }
  }

  #failed (err: unknown): void {
    const status = this.#status
    status.errors++
    status.consecutiveErrors++
    status.lastError = messageOf(err)
    this.#deps.log.warn('background work failed', { worker: status.name, err, inARow: status.consecutiveErrors })
  }

  #nextWaitMs (): number {
    const interval = this.#worker.intervalMs()
    const errors = this.#status.consecutiveErrors
    const firstBackOffMs = this.#worker.firstBackOffMs ?? defaultFirstBackOffMs
    const base = errors === 0 ? interval : Math.min(interval, firstBackOffMs * 2 ** (errors - 1))
    const jitter = this.#worker.jitter ?? 0
    return base * (1 + jitter * (2 * this.#deps.random.float() - 1))
  }

  async #wait (ms: number): Promise<void> {
    this.#busyInARow = 0
    if (this.#woken || this.#stop.signal.aborted) return
    const waiting = this.#waiting = new AbortController()
    try {
      await this.#deps.clock.sleep(ms, waiting.signal)
    } catch (err) {
      if (!waiting.signal.aborted) throw err
    } finally {
      this.#waiting = undefined
    }
  }

  async #yieldSometimes (): Promise<void> {
    if (++this.#busyInARow % busyRunsBeforeYield === 0) await this.#deps.clock.sleep(0, this.#stop.signal).catch(() => {}) // stopped
  }
}
