import type { Clock } from './clock.ts'
import { ClusterError } from './errors.ts'
import type { Logger } from './log.ts'

/** Something that is started once and stopped once. Objects are complete after construction; `start` does the first I/O. */
export interface Startable {
  readonly name: string
  /** Resolves when it can be used; rejects with the signal's reason when it aborts first. */
  start (signal: AbortSignal): Promise<void>
  /** First phase of a stop: take no new work (listeners, queues). Optional. Called only after a `start` that succeeded. */
  drain? (): Promise<void>
  /** Second phase. Also called after a `start` that failed. Idempotent. */
  stop (): Promise<void>
}

/**
 * Several as one, because each waits for its disk and none needs another: they start at the same time and stop at the same time. When all
 * have come to an end, the first error is thrown.
 */
export function together (name: string, parts: readonly Startable[]): Startable {
  const all = async (act: (part: Startable) => Promise<void> | undefined): Promise<void> => {
    const failed = (await Promise.allSettled(parts.map(async part => act(part)))).find(result => result.status === 'rejected')
    if (failed != null) throw failed.reason
  }
  return {
    name,
    start: async signal => all(part => part.start(signal)),
    drain: async () => all(part => part.drain?.()),
    stop: async () => all(part => part.stop())
  }
}

export interface LifecycleDeps { clock: Clock, log: Logger }
export interface LifecycleInit {
  /** How long one component may take to drain or stop before the next one's turn comes. Milliseconds. */
  stopTimeoutMs: number
}

/**
 * Starts components one after the other; when one fails, stops what had begun in reverse order and throws the first error. Stops in
 * reverse, first all `drain`s, then all `stop`s, each with a deadline; what went wrong is gathered into one AggregateError.
 *
 * A `stop` during a `start` aborts the signal that the components were given, waits (for `stopTimeoutMs` at most) until the one that is
 * starting gives up, then stops as usual; `start` rejects. Each object works once: `start` after `stop` throws NOT_READY.
 */
export class Lifecycle {
  readonly #begun: Array<{ component: Startable, ready: boolean }> = []
  readonly #init: LifecycleInit
  readonly #deps: LifecycleDeps
  readonly #abort = new AbortController()
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  constructor (init: LifecycleInit, deps: LifecycleDeps) {
    this.#init = init
    this.#deps = deps
  }

  async start (components: readonly Startable[], signal: AbortSignal): Promise<void> {
    if (this.#stopping != null) throw new ClusterError('NOT_READY', {}, { message: 'the lifecycle has been stopped' })
    try {
      this.#starting = this.#startAll(components, AbortSignal.any([signal, this.#abort.signal]))
      await this.#starting
    } catch (err) {
      await this.stop().catch(stopErr => this.#deps.log.warn('unclean stop after a failed start', { err: stopErr }))
      throw err
    }
  }

  stop (): Promise<void> {
    this.#stopping ??= this.#stopAll()
    return this.#stopping
  }

  async #startAll (components: readonly Startable[], signal: AbortSignal): Promise<void> {
    for (const component of components) {
      signal.throwIfAborted()
      const begun = { component, ready: false }
      this.#begun.push(begun)
      await component.start(signal)
      begun.ready = true
      this.#deps.log.debug('component started', { component: component.name })
    }
    signal.throwIfAborted()
  }

  async #stopAll (): Promise<void> {
    const errors: unknown[] = []
    this.#abort.abort(new ClusterError('NOT_READY', {}, { message: 'stopped while starting' }))
    const starting = this.#starting?.catch(() => {}) // who called `start` gets the error
    if (starting != null) await this.#bounded({ component: 'lifecycle', phase: 'start' }, () => starting, errors)
    const reversed = this.#begun.splice(0).toReversed()
    for (const { component, ready } of reversed) {
      if (ready) await this.#bounded({ component: component.name, phase: 'drain' }, () => component.drain?.(), errors)
    }
    for (const { component } of reversed) await this.#bounded({ component: component.name, phase: 'stop' }, () => component.stop(), errors)
    if (errors.length > 0) throw new AggregateError(errors, 'unclean stop')
  }

  async #bounded (what: { component: string, phase: string }, act: () => Promise<void> | undefined, errors: unknown[]): Promise<void> {
    const timeout = new AbortController()
    const late = this.#deps.clock.sleep(this.#init.stopTimeoutMs, timeout.signal).then(() => { throw new ClusterError('TIMEOUT', what) })
    late.catch(() => {}) // lost races end here
    try {
      await Promise.race([act(), late])
    } catch (err) {
      this.#deps.log.warn('component did not stop cleanly', { ...what, err })
      errors.push(err)
    } finally {
      timeout.abort()
    }
  }
}
