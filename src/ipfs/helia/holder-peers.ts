import type { CID } from 'multiformats/cid'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Holder } from '../holder.ts'
import type { IpfsNetwork } from './node.ts'

export interface HolderPeersDeps {
  /** Nodes that are said to have what is below this root. Empty: nothing is known. */
  holdersOf: (root: CID) => readonly Holder[]
  network: Pick<IpfsNetwork, 'askable' | 'dial'>
  networkReady: (signal: AbortSignal) => Promise<void>
  clock: Clock
  log: Logger
}

/** How long an answer holds: each block of a file asks for it. */
const holdsMs = 3000
const rememberedRoots = 64
const dialledHolders = 8
const addressesPerHolder = 8
const identifyMs = 20
/** How long a block waits for a first holder to be connected. */
const dialMs = 3000

interface Known { since: number, peers: Promise<readonly PeerId[]> }

/** Those of the peers that have some content to whom this node is connected; whoever isn't yet is dialled. */
export class HolderPeers {
  readonly #deps: HolderPeersDeps
  readonly #known = new Map<string, Known>()

  constructor (deps: HolderPeersDeps) { this.#deps = deps }

  /** Empty without a root, and when nobody is known or can be reached. Rejects with the signal's reason, or why the network isn't up. */
  async connected (root: CID | undefined, signal: AbortSignal): Promise<readonly PeerId[]> {
    if (root == null) return []
    const key = root.toString()
    const now = this.#deps.clock.now()
    const known = this.#known.get(key)
    if (known != null && now - known.since < holdsMs) return known.peers
    const holders = this.#deps.holdersOf(root)
    if (holders.length > 0) await this.#deps.networkReady(signal)
    const fresh = { since: now, peers: this.#connect(holders) }
    this.#known.delete(key)
    this.#known.set(key, fresh)
    const [oldest] = this.#known.keys()
    if (this.#known.size > rememberedRoots && oldest != null) this.#known.delete(oldest)
    return fresh.peers
  }

  /** Waits for dials only while nobody is connected. */
  async #connect (holders: readonly Holder[]): Promise<readonly PeerId[]> {
    const missing = holders.filter(({ id }) => !this.#isConnected(id)).slice(0, dialledHolders)
    const dials = missing.map(async holder => this.#dial(holder))
    if (missing.length === holders.length && missing.length > 0) await Promise.any(dials).catch(() => {})
    else for (const dial of dials) dial.catch(() => {})
    return holders.map(({ id }) => id).filter(id => this.#isConnected(id))
  }

  #isConnected (peer: PeerId): boolean { return this.#deps.network.askable().includes(peer) }

  async #dial ({ id, addresses }: Holder): Promise<void> {
    const { network, clock, log } = this.#deps
    const late = new AbortController()
    const cancel = clock.after(dialMs, () => late.abort(new Error('the peer does not answer')))
    try {
      const { signal } = late
      const dialled = (await addresses({ signal })).filter(address => !address.includes('/p2p-circuit')).slice(0, addressesPerHolder)
      await Promise.any(dialled.map(async address => network.dial(address, { signal })))
      // what it speaks is known a moment later
      while (!this.#isConnected(id)) await clock.sleep(identifyMs, signal)
    } catch (err) {
      log.debug('a peer that holds content can not be reached', { peer: id, err })
      throw err
    } finally {
      cancel()
    }
  }
}
