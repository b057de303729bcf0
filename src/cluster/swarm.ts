import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { IpfsConnector } from '../ipfs/ipfs.ts'
import type { Members } from './members.ts'
import type { Peers } from './peers.ts'

export interface SwarmDeps {
  members: Pick<Members, 'self'>
  peers: Pick<Peers, 'all'>
  ipfs: Pick<IpfsConnector, 'ready' | 'connect'>
  clock: Clock
  log: Logger
}

/** Connects this peer's IPFS node to those of the other members. */
export class Swarm {
  readonly #deps: SwarmDeps
  readonly #stop = new AbortController()

  constructor (deps: SwarmDeps) { this.#deps = deps }

  /** Once the node answers, waits `delayMs` and connects. Returns at once; failures are logged. */
  connectLater (delayMs: number): void {
    const { signal } = this.#stop
    this.#connectAfter(delayMs, signal).catch(err => {
      if (!signal.aborted) this.#deps.log.warn('the IPFS nodes of the other peers could not be connected', { err })
    })
  }

  stop (): void { this.#stop.abort(new Error('the peer stops')) }

  async #connectAfter (delayMs: number, signal: AbortSignal): Promise<void> {
    const { members, peers, ipfs, clock } = this.#deps
    await ipfs.ready({ signal })
    await clock.sleep(delayMs, signal)
    for await (const info of peers.all({ signal })) {
      const addresses = info.ipfs.addresses ?? []
      if (info.id !== members.self && addresses.length > 0) await ipfs.connect(addresses, { signal })
    }
  }
}
