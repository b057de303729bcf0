import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { orLate } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { MultiaddrText, PeerId } from '../../model/cid.ts'
import type { PeerInfo } from '../../model/peer.ts'
import type { Pin } from '../../model/pin.ts'

export interface DelegatesDeps { cluster: Pick<ClusterApi, 'peer' | 'info' | 'peers'>, clock: Clock, log: Logger }

/** Peers tell their addresses this often, at most. */
const freshMs = 60_000
const ownFreshMs = 5000
/** How long the first answer waits for the other peers' addresses. */
const firstWaitMs = 500
/** The specification's limit. */
const mostDelegates = 20

/**
 * Where clients can bring the content of a pin: the addresses of the IPFS nodes that are to hold it. Loopback addresses are given only for
 * a node that has no others (a test cluster on one machine). The other peers' addresses are asked for in the background: they may be a
 * minute old, and missing in the first answers when peers are slow.
 */
export class Delegates {
  readonly #deps: DelegatesDeps
  readonly #addresses = new Map<PeerId, readonly MultiaddrText[]>()
  #ownAt = -Infinity
  #othersAt = -Infinity
  #asking: Promise<void> | undefined
  #hasWaited = false

  constructor (deps: DelegatesDeps) { this.#deps = deps }

  /** Call before `of`. */
  async refresh (): Promise<void> {
    const { cluster, clock } = this.#deps
    const now = clock.elapsed()
    if (now - this.#othersAt >= freshMs) this.#asking ??= this.#askOthers().finally(() => { this.#asking = undefined })
    if (now - this.#ownAt >= ownFreshMs) {
      this.#ownAt = now
      this.#note(await cluster.info())
    }
    if (!this.#hasWaited && this.#asking != null) await this.#waitOnce(this.#asking)
  }

  /** At most 20 addresses; those of this peer come first. */
  of (pin: Pick<Pin, 'allocations'>): MultiaddrText[] {
    const holders = pin.allocations.length > 0 ? pin.allocations : [...this.#addresses.keys()]
    const self = this.#deps.cluster.peer
    const sorted = holders.includes(self) ? [self, ...holders.filter(peer => peer !== self)] : holders
    return [...new Set(sorted.flatMap(peer => this.#addresses.get(peer) ?? []))].slice(0, mostDelegates)
  }

  async #askOthers (): Promise<void> {
    try {
      const seen = new Set<PeerId>([this.#deps.cluster.peer])
      for await (const info of this.#deps.cluster.peers()) {
        if (info.id !== this.#deps.cluster.peer) this.#note(info)
        seen.add(info.id)
      }
      for (const peer of this.#addresses.keys()) if (!seen.has(peer)) this.#addresses.delete(peer)
      this.#othersAt = this.#deps.clock.elapsed()
    } catch (err) {
      this.#deps.log.debug('the addresses of the IPFS nodes are not known', { err })
    }
  }

  async #waitOnce (asking: Promise<void>): Promise<void> {
    await orLate(asking, { clock: this.#deps.clock, ms: firstWaitMs })
    this.#hasWaited = true
  }

  /** A peer that doesn't answer keeps the addresses it had. */
  #note ({ id, ipfs }: PeerInfo): void {
    if (ipfs.error === '' && ipfs.addresses != null) this.#addresses.set(id, dialable(ipfs.addresses, ipfs.id))
  }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Addresses that depend on who listens to them. */
const nowhere = new BlockList()
nowhere.addAddress('0.0.0.0', 'ipv4')
nowhere.addAddress('::', 'ipv6')
nowhere.addSubnet('169.254.0.0', 16, 'ipv4')
nowhere.addSubnet('fe80::', 10, 'ipv6')

/** Those of a node's addresses that others can dial, each with its peer ID. */
export function dialable (addresses: readonly MultiaddrText[], peer: PeerId): MultiaddrText[] {
  const somewhere = addresses.filter(address => !isIn(nowhere, address))
  const far = somewhere.filter(address => !isIn(loopback, address))
  return (far.length > 0 ? far : somewhere).map(address => peer === '' || address.includes('/p2p/') ? address : `${address}/p2p/${peer}`)
}

function isIn (list: BlockList, address: MultiaddrText): boolean {
  const [, , host = ''] = address.split('/')
  return (isIPv4(host) && list.check(host, 'ipv4')) || (isIPv6(host) && list.check(host, 'ipv6'))
}
