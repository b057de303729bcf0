import type { Clock } from '../base/clock.ts'
import type { Startable } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { CID } from '../model/cid.ts'

export interface LingerDeps {
  /** How many peers are connected. */
  peers: () => number
  clock: Clock
  log: Logger
}

/** A block that is older has been announced again and again, or nobody wants it. */
const youngMs = 10_000
const patienceMs = 1000
/** From when a block is put into a message until the message is out. */
const flushMs = 50

/**
 * Keeps the network up for a moment at a stop, until somebody has fetched the newest block of this peer: a stop commits what was still
 * gathered, and who hears of that head could not get it before the next start. For a second at most; Go's peer doesn't wait at all.
 */
export class Linger implements Startable {
  readonly name = 'linger'
  readonly #deps: LingerDeps
  #newest: { key: string, at: number } | undefined
  #wasServed = Promise.withResolvers<void>()

  constructor (deps: LingerDeps) { this.#deps = deps }

  /** This peer has written a block. */
  committed (cid: CID): void {
    this.#newest = { key: cid.toString(), at: this.#deps.clock.elapsed() }
    this.#wasServed = Promise.withResolvers()
  }

  /** A block goes to another peer. */
  served (cid: CID): void {
    if (this.#newest != null && this.#newest.key === cid.toString()) {
      this.#newest = undefined
      this.#wasServed.resolve()
    }
  }

  async start (): Promise<void> {}

  async stop (): Promise<void> {
    const { clock, peers, log } = this.#deps
    if (this.#newest == null || clock.elapsed() - this.#newest.at > youngMs || peers() === 0) return
    const cancelled = Promise.withResolvers<void>()
    const cancel = clock.after(patienceMs, cancelled.resolve)
    await Promise.race([this.#wasServed.promise.then(async () => clock.sleep(flushMs)), cancelled.promise])
    cancel()
    if (this.#newest != null) {
      log.warn('nobody has fetched the newest change yet; others get it when this peer is back', { block: this.#newest.key })
    }
    this.#newest = undefined
  }
}
