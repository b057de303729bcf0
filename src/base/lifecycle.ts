import type { Clock } from './clock.ts'
import { ClusterError } from './errors.ts'
import type { Logger } from './log.ts'

/** Something that is started once and stopped once. Objects are complete after construction; `start` does the first I/O. */
export interface Startable {
  readonly name: string
  start (signal: AbortSignal): Promise<void>
  /** First phase of a stop: take no new work (listeners, queues). Optional. */
  drain? (): Promise<void>
  /** Second phase. Also called after a `start` that failed. Idempotent. */
  stop (): Promise<void>
}

export interface LifecycleDeps { clock: Clock, log: Logger }
export interface LifecycleInit {
  /** How long one component may take to drain or stop before the next one's turn comes. Milliseconds. */
  stopTimeoutMs: number
}

/**
 * Starts components one after the other; when one fails, stops what had begun in reverse order and throws the first error. Stops in
 * reverse, first all `drain`s, then all `stop`s, each with a deadline; what went wrong is gathered into one AggregateError.
 */
export class Lifecycle {
  readonly #begun: Startable[] = []
  readonly #init: LifecycleInit
  readonly #deps: LifecycleDeps
  #stopping: Promise<void> | undefined

  constructor (init: LifecycleInit, deps: LifecycleDeps) {
    this.#init = init
    this.#deps = deps
  }

  async start (components: readonly Startable[], signal: AbortSignal): Promise<void> {
    try {
      for (const component of components) {
        signal.throwIfAborted()
        this.#begun.push(component)
        await component.start(signal)
        this.#deps.log.debug('component started', { component: component.name })
      }
    } catch (err) {
      await this.stop().catch(stopErr => this.#deps.log.warn('unclean stop after a failed start', { err: stopErr }))
      throw err
    }
  }

  stop (): Promise<void> {
    this.#stopping ??= this.#stopAll()
    return this.#stopping
  }

  async #stopAll (): Promise<void> {
    const reversed = this.#begun.splice(0).reverse()
    const errors: unknown[] = []
    for (const component of reversed) await this.#bounded(component, 'drain', errors)
    for (const component of reversed) await this.#bounded(component, 'stop', errors)
    if (errors.length > 0) throw new AggregateError(errors, 'unclean stop')
  }

  async #bounded (component: Startable, phase: 'drain' | 'stop', errors: unknown[]): Promise<void> {
    const work = component[phase]?.()
    if (work == null) return
    const timeout = new AbortController()
    const late = this.#deps.clock.sleep(this.#init.stopTimeoutMs, timeout.signal).then(() => {
      throw new ClusterError('TIMEOUT', { component: component.name, phase })
    })
    late.catch(() => {})
    await Promise.race([work, late])
      .catch(err => {
        this.#deps.log.warn('component did not stop cleanly', { component: component.name, phase, err })
        errors.push(err)
      })
      .finally(() => timeout.abort())
  }
}
