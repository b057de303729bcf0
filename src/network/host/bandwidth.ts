import type { Metrics, Stream } from '@libp2p/interface'
import type { Clock } from '../../base/clock.ts'
import type { Bandwidth } from '../../model/peer.ts'

/** Go's rates are averages that forget by this time constant. */
const rateWindowMs = 1000

/** Counts the bytes of streams by protocol, as libp2p's `metrics`. Everything else that libp2p would measure is ignored. */
export class BandwidthCounter implements Metrics {
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #protocols = new Map<string, { in: Meter, out: Meter }>()

  constructor (clock: Pick<Clock, 'elapsed'>) { this.#clock = clock }

  /** What each protocol has moved so far. */
  read (): Map<string, Bandwidth> {
    const now = this.#clock.elapsed()
    return new Map([...this.#protocols].map(([protocol, meters]) => [protocol, {
      totalIn: meters.in.total, totalOut: meters.out.total, rateIn: meters.in.rateAt(now), rateOut: meters.out.rateAt(now)
    }]))
  }

  trackProtocolStream (stream: Stream): void {
    const meters = this.#metersOf(stream.protocol)
    meters.in.add(stream.readBufferLength, this.#clock.elapsed())
    // a listener of ours would take data before the protocol's handler listens, so the methods are wrapped
    const measured = stream as Stream & { onData?: (data: { byteLength: number }) => void }
    const send = stream.send.bind(stream)
    const onData = measured.onData?.bind(stream)
    stream.send = data => {
      meters.out.add(data.byteLength, this.#clock.elapsed())
      return send(data)
    }
    if (onData == null) return
    measured.onData = data => {
      meters.in.add(data.byteLength, this.#clock.elapsed())
      onData(data)
    }
  }

  trackMultiaddrConnection (): void {}
  registerMetric (): never { return noMetric as never }
  registerMetricGroup (): never { return noMetric as never }
  registerCounter (): never { return noMetric as never }
  registerCounterGroup (): never { return noMetric as never }
  registerHistogram (): never { return noMetric as never }
  registerHistogramGroup (): never { return noMetric as never }
  registerSummary (): never { return noMetric as never }
  registerSummaryGroup (): never { return noMetric as never }
  traceFunction <F extends (...args: never[]) => unknown> (_name: string, fn: F): F { return fn }
  createTrace (): never { return undefined as never }

  #metersOf (protocol: string): { in: Meter, out: Meter } {
    const known = this.#protocols.get(protocol)
    if (known != null) return known
    const meters = { in: new Meter(), out: new Meter() }
    this.#protocols.set(protocol, meters)
    return meters
  }
}

const noMetric = { update: () => {}, increment: () => {}, decrement: () => {}, reset: () => {}, observe: () => {}, timer: () => () => {} }

/** A sum and a decaying rate in bytes per second. */
class Meter {
  total = 0
  #rate = 0
  #at = 0

  add (bytes: number, now: number): void {
    this.total += bytes
    this.#rate = this.rateAt(now) + bytes * 1000 / rateWindowMs
    this.#at = now
  }

  rateAt (now: number): number { return this.#rate * Math.exp(-(now - this.#at) / rateWindowMs) }
}
