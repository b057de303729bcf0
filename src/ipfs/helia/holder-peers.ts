import type { CID } from 'multiformats/cid'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { MultiaddrText, PeerId } from '../../model/cid.ts'
import type { IpfsNetwork } from './node.ts'

export interface HolderPeersDeps {
  /** Addresses (with /p2p) of nodes that are said to have what is below this root. Empty: nothing is known. */
  holdersOf: (root: CID) => readonly MultiaddrText[]
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
    const holders = byPeer(this.#deps.holdersOf(root))
    if (holders.size > 0) await this.#deps.networkReady(signal)
    const fresh = { since: now, peers: this.#connect(holders) }
    this.#known.delete(key)
    this.#known.set(key, fresh)
    const [oldest] = this.#known.keys()
    if (this.#known.size > rememberedRoots && oldest != null) this.#known.delete(oldest)
    return fresh.peers
  }

  /** Waits for dials only while nobody is connected. */
  async #connect (holders: ReadonlyMap<PeerId, MultiaddrText[]>): Promise<readonly PeerId[]> {
    const missing = [...holders].filter(([peer]) => !this.#isConnected(peer)).slice(0, dialledHolders)
    const dials = missing.map(async ([peer, addresses]) => this.#dial(peer, addresses))
    if (missing.length === holders.size && missing.length > 0) await Promise.any(dials).catch(() => {})
    else for (const dial of dials) dial.catch(() => {})
    return [...holders.keys()].filter(peer => this.#isConnected(peer))
  }

  #isConnected (peer: PeerId): boolean { return this.#deps.network.askable().includes(peer) }

  async #dial (peer: PeerId, addresses: readonly MultiaddrText[]): Promise<void> {
    const { network, clock, log } = this.#deps
    const late = new AbortController()
    const cancel = clock.after(dialMs, () => late.abort(new Error('the peer does not answer')))
    try {
      await Promise.any(addresses.slice(0, addressesPerHolder).map(async address => network.dial(address, { signal: late.signal })))
      // what it speaks is known a moment later
      while (!this.#isConnected(peer)) await clock.sleep(identifyMs, late.signal)
    } catch (err) {
      log.debug('a peer that holds content can not be reached', { peer, err })
      throw err
    } finally {
      cancel()
    }
  }
}

function byPeer (addresses: readonly MultiaddrText[]): Map<PeerId, MultiaddrText[]> {
  const found = new Map<PeerId, MultiaddrText[]>()
  for (const address of addresses) {
    const [, peer] = /\/p2p\/([^/]+)$/.exec(address) ?? []
    if (peer != null && !address.includes('/p2p-circuit')) found.set(peer, [...found.get(peer) ?? [], address])
  }
  return found
}
