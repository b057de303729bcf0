import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Members } from './members.ts'
import type { Peers } from './peers.ts'

export interface SwarmDeps {
  members: Pick<Members, 'self'>
  peers: Pick<Peers, 'all'>
  ipfs: Pick<IpfsConnector, 'ready' | 'connect' | 'swarmPeers'>
  clock: Clock
  log: Logger
}

/**
 * How often it is tried: members that start at the same time don't know each other, or have no IPFS node yet, when the first turn comes.
 */
const mostTries = 10

/** Connects this peer's IPFS node to those of the other members. */
export class Swarm {
  readonly #deps: SwarmDeps
  readonly #stop = new AbortController()

  constructor (deps: SwarmDeps) { this.#deps = deps }

  /**
   * Once the node answers, waits `delayMs` and connects; again after as long while some are not connected, a few times. Returns at once;
   * failures are logged.
   */
  connectLater (delayMs: number): void {
    const { signal } = this.#stop
    this.#connectAfter(delayMs, signal).catch(err => {
      if (!signal.aborted) {
        this.#deps.log.warn('this peer\'s IPFS node doesn\'t answer: it is not connected to those of the other peers', { err })
      }
    })
  }

  stop (): void { this.#stop.abort(new Error('the peer stops')) }

  async #connectAfter (delayMs: number, signal: AbortSignal): Promise<void> {
    const { ipfs, clock } = this.#deps
    await ipfs.ready({ signal })
    for (let tries = 0; tries < mostTries; tries++) {
      await clock.sleep(delayMs, signal)
      if (await this.#connectedAll(signal)) return
    }
  }

  async #connectedAll (signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#connectAll(signal)
    } catch (err) {
      signal.throwIfAborted()
      this.#deps.log.warn('the IPFS nodes of the other peers could not be connected', { err })
      return false
    }
  }

  /** True when the nodes of all members that are known now are connected. */
  async #connectAll (signal: AbortSignal): Promise<boolean> {
    const { members, peers, ipfs } = this.#deps
    const wanted: PeerId[] = []
    for await (const info of peers.all({ signal })) {
      if (info.id === members.self) continue
      const { id, addresses } = info.ipfs
      wanted.push(id)
      if (addresses != null && addresses.length > 0) await ipfs.connect(addresses, { signal })
    }
    const connected = new Set(wanted.length === 0 ? [] : await ipfs.swarmPeers({ signal }))
    return wanted.length > 0 && wanted.every(id => connected.has(id))
  }
}
