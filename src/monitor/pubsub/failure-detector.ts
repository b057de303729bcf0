import type { PeerId } from '../../model/cid.ts'
import type { Alert, Metric } from '../../model/metric.ts'
import { nanoseconds } from '../../model/metric.ts'
import type { Time } from '../../model/time.ts'
import type { MetricStore } from './metric-store.ts'

/** A metric that stays expired alerts again after so many checks. */
const checksUntilRepeated = 300

/** A check that comes later than this share of the interval shows that the whole process was paused, or that its clock was moved. */
const pauseLateness = 0.25

/**
 * Judges peers by their metrics: one whose metric (`ping` is the one that counts) has expired since the last check is down, and alerts say
 * so (monitor/metrics/checker.go). What expired while this process was paused says nothing of its peer: it gets as long as it holds to
 * come again, before it counts.
 */
export class FailureDetector {
  readonly #store: MetricStore
  readonly #checkIntervalMs: number
  /** Failed checks in a row, by name and peer. */
  readonly #failures = new Map<string, Map<PeerId, number>>()
  #lastCheck: Time | undefined
  /** When this process went on after a pause, or its clock was set. */
  #resumedAt = -Infinity

  constructor (store: MetricStore, { checkIntervalMs }: { checkIntervalMs: number }) {
    this.#store = store
    this.#checkIntervalMs = checkIntervalMs
  }

  /** One round: alerts of what has just expired. */
  check (now: Time): Alert[] {
    const alerts: Alert[] = []
    const passed = this.#lastCheck == null ? 0 : now - this.#lastCheck
    if (Math.abs(passed) > this.#checkIntervalMs * (1 + pauseLateness)) this.#resumedAt = now
    this.#lastCheck = now
    for (const name of this.#store.names()) {
      for (const metric of this.#store.latestOfAll(name)) {
        const hasExpired = nanoseconds(now) >= metric.expire
        if (hasExpired && !this.#isExcused(metric, now) && this.#isFirstFailure(name, metric.peer)) {
          alerts.push({ ...metric, triggeredAt: now })
        }
      }
    }
    return alerts
  }

  /** A valid metric has come: the next expiry alerts at once. */
  reset (name: string, peer: PeerId): void {
    const peers = this.#failures.get(name)
    peers?.delete(peer)
    if (peers?.size === 0) this.#failures.delete(name)
  }

  forget (peer: PeerId): void {
    for (const name of this.#failures.keys()) this.reset(name, peer)
  }

  #isExcused ({ expire, receivedAt }: Metric, now: Time): boolean {
    if (this.#resumedAt === -Infinity) return false
    const awakeSince = nanoseconds(this.#resumedAt)
    return expire <= awakeSince && nanoseconds(now) < awakeSince + expire - receivedAt
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
