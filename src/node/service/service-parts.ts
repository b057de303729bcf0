import { isClusterError } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'

export interface ServicePartsDeps { workers: Workers, log: Logger }

const retryMs = 2000
const neverMs = 86_400_000

/**
 * The parts of the service, started in their order behind its listener. A database (or staging) that is away keeps neither the peer from
 * starting nor the service from coming later: until then everything that needs it is NOT_READY.
 */
export class ServiceParts implements Startable {
  readonly name = 'service'
  readonly #parts: readonly Startable[]
  readonly #deps: ServicePartsDeps
  readonly #begun: Startable[] = []
  #next = 0
  #retrying: WorkerHandle | undefined

  constructor (parts: readonly Startable[], deps: ServicePartsDeps) {
    this.#parts = parts
    this.#deps = deps
  }

  get isReady (): boolean { return this.#next === this.#parts.length }

  async start (signal: AbortSignal): Promise<void> {
    if (await this.#go(signal)) return
    this.#retrying = this.#deps.workers.add({
      name: 'start of the service',
      intervalMs: () => this.isReady ? neverMs : retryMs,
      runAtStart: false,
      work: async stopped => {
        await this.#go(stopped)
        return 'idle'
      }
    })
  }

  async drain (): Promise<void> {
    await this.#retrying?.stop()
    for (const part of this.#begun.toReversed()) await part.drain?.()
  }

  async stop (): Promise<void> {
    await this.#retrying?.stop()
    for (const part of this.#begun.splice(0).toReversed()) await part.stop()
  }

  /** Where it stopped last time. False: what a part needs is away. */
  async #go (signal: AbortSignal): Promise<boolean> {
    for (; this.#next < this.#parts.length; this.#next++) {
      const part = this.#parts[this.#next]!
      signal.throwIfAborted()
      try {
        await part.start(signal)
      } catch (err) {
        if (!isClusterError(err, 'NOT_READY') && !isClusterError(err, 'TIMEOUT')) throw err
        this.#deps.log.warn('the service can not start yet', { part: part.name, err })
        return false
      }
      this.#begun.push(part)
    }
    this.#deps.log.info('the service is ready')
    return true
  }
}
