import type { PeerId } from '../../model/cid.ts'
import type { Alert } from '../../model/metric.ts'
import { nanoseconds } from '../../model/metric.ts'
import type { Time } from '../../model/time.ts'
import type { MetricStore } from './metric-store.ts'

/** A metric that stays expired alerts again after so many checks. */
const checksUntilRepeated = 300

/** Finds metrics that expired since the last check (daemon §4.5). */
export class AlertChecker {
  readonly #store: MetricStore
  /** Failed checks in a row, by name and peer. */
  readonly #failures = new Map<string, Map<PeerId, number>>()

  constructor (store: MetricStore) { this.#store = store }

  /** One round: alerts of what has just expired. */
  check (now: Time): Alert[] {
    const alerts: Alert[] = []
    for (const name of this.#store.names()) {
      for (const metric of this.#store.latestOfAll(name)) {
        const hasExpired = nanoseconds(now) >= metric.expire
        if (hasExpired && this.#isFirstFailure(name, metric.peer)) alerts.push({ ...metric, triggeredAt: now })
      }
    }
    return alerts
  }

  /** A valid metric has come: the next expiry alerts at once. */
  reset (name: string, peer: PeerId): void { this.#failures.get(name)?.delete(peer) }

  forget (peer: PeerId): void {
    for (const peers of this.#failures.values()) peers.delete(peer)
  }

  #isFirstFailure (name: string, peer: PeerId): boolean {
    const peers = this.#failures.get(name) ?? new Map<PeerId, number>()
    const failures = (peers.get(peer) ?? 0) + 1
    this.#failures.set(name, peers)
    if (failures >= checksUntilRepeated) peers.delete(peer)
    else peers.set(peer, failures)
    return failures === 1
  }
}
