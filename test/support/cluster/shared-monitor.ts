import { Listeners } from '../../../src/base/listeners.ts'
import type { PeerId } from '../../../src/model/cid.ts'
import type { Alert, Metric } from '../../../src/model/metric.ts'
import { formatPingValue } from '../../../src/model/metric.ts'
import type { Monitor } from '../../../src/monitor/monitor.ts'

export const aMetric = (name: string, peer: PeerId, changes: Partial<Metric> = {}): Metric =>
  ({ name, peer, value: '', expire: 1n << 62n, valid: true, weight: 0n, partitionable: false, receivedAt: 0n, ...changes })

/** A monitor that all peers of a test share: what one says all know at once. Nothing expires until a test says so. */
export class SharedMonitor implements Monitor {
  readonly name = 'monitor'
  readonly #metrics = new Map<string, Map<PeerId, Metric>>()
  readonly #expired = new Map<string, Metric>()
  readonly #alerts = new Listeners<Alert>()
  readonly #told = new Listeners<Metric>()

  async start (): Promise<void> {}
  async stop (): Promise<void> {}

  log (metric: Metric): void {
    const ofName = this.#metrics.get(metric.name) ?? new Map<PeerId, Metric>()
    this.#metrics.set(metric.name, ofName.set(metric.peer, metric))
    this.#told.emit(metric)
  }

  async publish (metric: Metric): Promise<void> { this.log(metric) }
  latest (name: string): Metric[] { return [...this.#metrics.get(name)?.values() ?? []].toSorted((a, b) => a.peer < b.peer ? -1 : 1) }
  latestOf (name: string, peer: PeerId): Metric | undefined { return this.#metrics.get(name)?.get(peer) }
  lastKnown (name: string): Metric[] {
    const expired = [...this.#expired].filter(([key]) => key.startsWith(`${name} `)).map(([, metric]) => metric)
    return [
      ...this.latest(name), ...expired.filter(({ peer }) => this.latestOf(name, peer) == null)
    ].toSorted((a, b) => a.peer < b.peer ? -1 : 1)
  }

  lastKnownOf (name: string, peer: PeerId): Metric | undefined { return this.latestOf(name, peer) ?? this.#expired.get(`${name} ${peer}`) }
  names (): string[] { return [...this.#metrics.keys()] }
  onAlert (listener: (alert: Alert) => void): () => void { return this.#alerts.add(listener) }
  onMetric (listener: (metric: Metric) => void): () => void { return this.#told.add(listener) }

  forget (peer: PeerId): void {
    for (const [name, ofName] of this.#metrics) {
      ofName.delete(peer)
      this.#expired.delete(`${name} ${peer}`)
    }
  }

  /** The peer says that it lives and how much room it has. */
  beat (
    peer: PeerId,
    { peerName = '', freeSpace = 1000n, draining = [], removed = [] }: {
      peerName?: string, freeSpace?: bigint, draining?: readonly PeerId[], removed?: readonly PeerId[]
    } = {}
  ): void {
    const value = formatPingValue({ peerName, ipfsId: `ipfs-${peerName}`, ipfsAddresses: [], draining, removed })
    this.log(aMetric('ping', peer, { value }))
    this.log(aMetric('freespace', peer, { weight: freeSpace, value: String(freeSpace) }))
  }

  /** All metrics of the peer expire. */
  expire (peer: PeerId, triggeredAt = 0): void {
    const lost = [...this.#metrics.values()].flatMap(ofName => ofName.get(peer) ?? [])
    this.forget(peer)
    for (const metric of lost) this.#expired.set(`${metric.name} ${peer}`, metric)
    for (const metric of lost) this.#alerts.emit({ ...metric, triggeredAt })
  }
}
