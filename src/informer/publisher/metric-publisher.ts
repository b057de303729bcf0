import type { Startable } from '../../base/lifecycle.ts'
import type { Worker, WorkerHandle, Workers } from '../../base/worker.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { Informer } from '../informer.ts'

export interface MetricPublisherInit { self: PeerId }

export interface MetricPublisherDeps {
  monitor: Pick<Monitor, 'publish'>
  workers: Workers
  /** Published at half its ttl, which is `monitor_ping_interval`. */
  ping: Informer
  informers: readonly Informer[]
}

/** Publishes what informers measure: each at half its metrics' ttl, from the start on. */
export interface MetricPublisher extends Startable {
  /** Publishes the informers' metrics (not ping) now: the node's disk or queue has changed much. */
  publishSoon (): void
  /** Publishes everything, the ping too, now: there are new peers. */
  publishAll (): void
}

/** When an informer has nothing valid to say (cluster.go). */
const intervalWithoutMetricsMs = 15_000

/** Nothing is measured before `start`. */
export function metricPublisher (init: MetricPublisherInit, deps: MetricPublisherDeps): MetricPublisher {
  let handles: WorkerHandle[] = []
  let ping: WorkerHandle | undefined
  return {
    name: 'metric publisher',
    start: async () => {
      ping = deps.workers.add(publishing(deps.ping, init, deps))
      handles = deps.informers.map(informer => deps.workers.add(publishing(informer, init, deps)))
    },
    stop: async () => { await Promise.all([ping, ...handles].map(async handle => await handle?.stop())) },
    publishSoon: () => { for (const handle of handles) handle.wake() },
    publishAll: () => { for (const handle of [ping, ...handles]) handle?.wake() }
  }
}

/** Every informer has a worker of its own: a node that is slow to tell its size doesn't hold back the ping. */
function publishing (informer: Informer, { self }: MetricPublisherInit, { monitor }: MetricPublisherDeps): Worker {
  const usualIntervalMs = informer.ttlMs / 2
  let intervalMs = usualIntervalMs
  return {
    name: `publish ${informer.name}`,
    intervalMs: () => intervalMs,
    firstBackOffMs: informer.ttlMs / 4,
    work: async signal => {
      intervalMs = informer.ttlMs / 4 // when the next lines throw
      const metrics = (await informer.metrics(self, { signal })).filter(metric => metric.valid)
      for (const metric of metrics) await monitor.publish(metric)
      intervalMs = metrics.length > 0 ? usualIntervalMs : intervalWithoutMetricsMs
      return 'idle'
    }
  }
}
