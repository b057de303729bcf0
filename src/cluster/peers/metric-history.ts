import type { Clock } from '../../base/clock.ts'
import type { Worker } from '../../base/worker.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Metric } from '../../model/metric.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { MetricHistory } from '../cluster-api.ts'

export interface HistoryDeps {
  monitor: Pick<Monitor, 'latest' | 'names'>
  /** More of this peer, by name: not every figure travels as a metric. */
  own: { peer: PeerId, figures: () => Readonly<Record<string, number>> }
  clock: Clock
}

const everyMs = 30_000
const samplesKept = 120
/** An hour of eight metrics of 200 peers: 1.5 MiB. */
const seriesKept = 1600

/**
 * Looks at the metrics twice a minute and remembers an hour of those that are numbers, in memory only. What hasn't been seen for an hour is
 * forgotten; new series are left out while there are too many.
 */
export class History {
  readonly #deps: HistoryDeps
  readonly #rings = new Map<string, { name: string, peer: PeerId, values: Float64Array, lastSeen: number }>()
  readonly #at = new Float64Array(samplesKept)
  #samples = 0

  constructor (deps: HistoryDeps) { this.#deps = deps }

  worker (): Worker {
    return {
      name: 'metric history',
      intervalMs: () => everyMs,
      work: async () => {
        this.sample()
        return 'idle'
      }
    }
  }

  /** One look at all metrics. */
  sample (): void {
    const { monitor, own, clock } = this.#deps
    const at = this.#samples++
    this.#at[at % samplesKept] = clock.now()
    for (const ring of this.#rings.values()) ring.values[at % samplesKept] = NaN
    for (const name of monitor.names()) {
      for (const metric of monitor.latest(name)) this.#note({ name, peer: metric.peer, value: numberOf(metric) }, at)
    }
    for (const [name, value] of Object.entries(own.figures())) this.#note({ name, peer: own.peer, value }, at)
    for (const [key, { lastSeen }] of this.#rings) if (at - lastSeen >= samplesKept) this.#rings.delete(key)
  }

  read (): MetricHistory {
    const count = Math.min(this.#samples, samplesKept)
    const places = Array.from({ length: count }, (_, at) => (this.#samples - count + at) % samplesKept)
    const series = [...this.#rings.values()].map(
      ({ name, peer, values }) => ({ name, peer, values: places.map(place => orNull(values[place])) })
    )
    return {
      everyMs, at: places.map(place => this.#at[place] ?? 0),
      series: series.toSorted((a, b) => order(a.name, b.name) || order(a.peer, b.peer))
    }
  }

  #note ({ name, peer, value }: { name: string, peer: PeerId, value: number | undefined }, at: number): void {
    if (value == null || !Number.isFinite(value)) return
    const key = `${name} ${peer}`
    const known = this.#rings.get(key)
    if (known == null && this.#rings.size >= seriesKept) return
    const ring = known ?? { name, peer, values: new Float64Array(samplesKept).fill(NaN), lastSeen: at }
    ring.values[at % samplesKept] = value
    ring.lastSeen = at
    this.#rings.set(key, ring)
  }
}

/** Tags and the like aren't numbers. */
function numberOf ({ name, value }: Metric): number | undefined {
  if (name === 'ping') return 1
  return /^-?\d{1,20}(\.\d{1,20})?$/.test(value) ? Number(value) : undefined
}

const orNull = (value: number | undefined): number | null => value == null || Number.isNaN(value) ? null : value
const order = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0
