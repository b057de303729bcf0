import type { Startable } from '../../base/lifecycle.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { ServiceTotals } from '../../service/usage/totals.ts'

const intervalMs = 30_000

/** The figures of the whole service, as of half a minute ago at most: a scrape asks for them at once, the database takes its time. */
export class ServiceFigures implements Startable {
  readonly name = 'figures of the service'
  readonly #ask: () => Promise<ServiceTotals>
  readonly #workers: Workers
  #latest: ServiceTotals | undefined
  #asking: WorkerHandle | undefined

  constructor ({ ask, workers }: { ask: () => Promise<ServiceTotals>, workers: Workers }) {
    this.#ask = ask
    this.#workers = workers
  }

  async start (): Promise<void> {
    this.#asking = this.#workers.add({
      name: 'figures of the service',
      intervalMs: () => intervalMs,
      work: async () => {
        this.#latest = await this.#ask()
        return 'idle'
      }
    })
  }

  async stop (): Promise<void> {
    await this.#asking?.stop()
    this.#latest = undefined
  }

  /** Undefined before the first ones have come. */
  latest (): ServiceTotals | undefined { return this.#latest }
}
