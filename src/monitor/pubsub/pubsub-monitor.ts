import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import { Listeners } from '../../base/listeners.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Alert, Metric } from '../../model/metric.ts'
import { isDiscarded, nanoseconds } from '../../model/metric.ts'
import type { Broadcast, TopicMessage } from '../../network/network.ts'
import type { Monitor } from '../monitor.ts'
import { FailureDetector } from './failure-detector.ts'
import { MetricStore } from './metric-store.ts'

export interface PubsubMonitorInit {
  self: PeerId
  checkIntervalMs: number
}

/** How a metric travels. `decode` may throw anything for bytes that aren't one; `receivedAt` isn't sent. */
export interface MetricCodec {
  encode (metric: Metric): Uint8Array
  decode (bytes: Uint8Array): Metric
}

export interface PubsubMonitorDeps { broadcast: Broadcast, codec: MetricCodec, clock: Clock, log: Logger, workers: Workers }

/** Go's topic (monitor/pubsubmon/pubsubmon.go); the cluster's secret keeps strangers out, not the name. */
export const metricsTopic = 'monitor.metrics'

/** Far above what any informer says. */
const largestMetricBytes = 64 * 1024

/** Receives and sends metrics over the cluster's gossip. */
export function pubsubMonitor (init: PubsubMonitorInit, deps: PubsubMonitorDeps): Monitor {
  return new PubsubMonitor(init, deps)
}

class PubsubMonitor implements Monitor {
  readonly name = 'monitor'
  readonly #init: PubsubMonitorInit
  readonly #deps: PubsubMonitorDeps
  readonly #store = new MetricStore()
  readonly #checker: FailureDetector
  readonly #alerts = new Listeners<Alert>()
  readonly #metrics = new Listeners<Metric>()
  #unsubscribe: (() => void) | undefined
  #worker: WorkerHandle | undefined

  constructor (init: PubsubMonitorInit, deps: PubsubMonitorDeps) {
    this.#init = init
    this.#deps = deps
    this.#checker = new FailureDetector(this.#store, init)
  }

  async start (): Promise<void> {
    this.#unsubscribe = this.#deps.broadcast.subscribe(metricsTopic, message => this.#receive(message))
    this.#worker = this.#deps.workers.add({
      name: 'metric checker',
      runAtStart: false,
      intervalMs: () => this.#init.checkIntervalMs,
      work: async () => {
        for (const alert of this.#checker.check(this.#deps.clock.now())) this.#emit(alert)
        return 'idle'
      }
    })
  }

  async stop (): Promise<void> {
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    await this.#worker?.stop()
  }

  log (metric: Metric): void {
    const now = this.#deps.clock.now()
    const received = { ...metric, receivedAt: nanoseconds(now) }
    if (this.#store.add(received)) this.#tell(received)
    else this.#deps.log.debug('a metric was dropped: its peer has too many names', { metric: metric.name, peer: metric.peer })
    if (!isDiscarded(metric, now)) this.#checker.reset(metric.name, metric.peer)
  }

  async publish (metric: Metric): Promise<void> {
    if (isDiscarded(metric, this.#deps.clock.now())) return
    this.log(metric)
    await this.#deps.broadcast.publish(metricsTopic, this.#deps.codec.encode(metric))
  }

  latest (name: string): Metric[] {
    const now = this.#deps.clock.now()
    return this.#store.latestOfAll(name).filter(metric => !isDiscarded(metric, now))
  }

  latestOf (name: string, peer: PeerId): Metric | undefined {
    const metric = this.#store.latest(name, peer)
    return metric != null && !isDiscarded(metric, this.#deps.clock.now()) ? metric : undefined
  }

  lastKnownOf (name: string, peer: PeerId): Metric | undefined { return this.#store.latest(name, peer) }

  lastKnown (name: string): Metric[] { return this.#store.latestOfAll(name) }

  names (): string[] { return this.#store.names() }

  onAlert (listener: (alert: Alert) => void): () => void { return this.#alerts.add(listener) }

  onMetric (listener: (metric: Metric) => void): () => void { return this.#metrics.add(listener) }

  forget (peer: PeerId): void {
    this.#store.forget(peer)
    this.#checker.forget(peer)
  }

  #receive ({ from, data }: TopicMessage): void {
    if (from === this.#init.self) return // logged when it was published
    const metric = this.#decode(from, data)
    if (metric == null) return
    if (metric.peer === from) this.log(metric)
    else this.#deps.log.debug('a metric was dropped: its peer did not sign it', { metric: metric.name, peer: metric.peer, from })
  }

  #decode (from: PeerId, data: Uint8Array): Metric | undefined {
    try {
      if (data.byteLength <= largestMetricBytes) return this.#deps.codec.decode(data)
      this.#deps.log.debug('a metric was dropped: it is too large', { from, sizeBytes: data.byteLength })
    } catch (err) {
      this.#deps.log.debug('a metric was dropped: it cannot be read', { from, err: messageOf(err) })
    }
    return undefined
  }

  #tell (metric: Metric): void {
    try {
      this.#metrics.emit(metric)
    } catch (err) {
      this.#deps.log.error('a listener of metrics failed', { err })
    }
  }

  /** A listener's fault must end neither the other alerts nor the next checks. */
  #emit (alert: Alert): void {
    this.#deps.log.warn('metric alert', { metric: alert.name, peer: alert.peer })
    try {
      this.#alerts.emit(alert)
    } catch (err) {
      this.#deps.log.error('a listener of alerts failed', { err })
    }
  }
}
