import type { Metric } from '../../model/metric.ts'

const windowSize = 25

/** The last metrics of one name of one peer, in a ring. */
export class MetricWindow {
  readonly #ring: Metric[] = []
  #newest = -1

  add (metric: Metric): void {
    this.#newest = (this.#newest + 1) % windowSize
    this.#ring[this.#newest] = metric
  }

  latest (): Metric | undefined { return this.#ring[this.#newest] }

  /** Newest first. */
  all (): Metric[] {
    return [...this.#ring.slice(0, this.#newest + 1).toReversed(), ...this.#ring.slice(this.#newest + 1).toReversed()]
  }
}
