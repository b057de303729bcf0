import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../base/clock.ts'
import type { MultiaddrText } from '../model/cid.ts'

const heldMs = 100

/**
 * The addresses under which a host can be reached, as text. libp2p puts them together anew each time, out of all its sources:
 * what it said last holds for a tenth of a second (docs/design/performance.md).
 */
export class OwnAddresses {
  readonly #clock: Pick<Clock, 'elapsed'>
  #last: { host: object, texts: MultiaddrText[], until: number } | undefined

  constructor (clock: Pick<Clock, 'elapsed'>) { this.#clock = clock }

  /** None are asked for again each time: they are about to come. */
  of (host: { getMultiaddrs (): Multiaddr[] }): MultiaddrText[] {
    const now = this.#clock.elapsed()
    if (this.#last?.host === host && now < this.#last.until) return [...this.#last.texts]
    const texts = host.getMultiaddrs().map(String)
    this.#last = texts.length === 0 ? undefined : { host, texts, until: now + heldMs }
    return [...texts]
  }
}
