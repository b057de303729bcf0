import type { Alert } from '../../model/metric.ts'

const mostAlerts = 1000

/** The latest alerts of this process. Go forgets all of them when there are more than 1000; we forget the oldest. */
export class Alerts {
  #alerts: Alert[] = []

  add (alert: Alert): void {
    this.#alerts.push(alert)
    if (this.#alerts.length > mostAlerts) this.#alerts = this.#alerts.slice(-mostAlerts)
  }

  /** Newest first. */
  list (): Alert[] { return this.#alerts.toReversed() }
}
