import type { CID } from 'multiformats/cid'
import { keepNewest } from '../../../base/keep-newest.ts'
import type { Clock } from '../../../base/clock.ts'
import { orAborted } from '../../../base/clock.ts'
import type { Logger } from '../../../base/log.ts'
import type { PeerId } from '../../../model/cid.ts'
import type { AllocatedPeer, AllocatedPeers } from '../../allocated-peers.ts'
import type { IpfsNetwork } from '../network/node.ts'

export interface AllocatedNodesDeps {
  /** Who is said to have what is below this root. */
  allocatedPeersOf: (root: CID) => AllocatedPeers
  network: Pick<IpfsNetwork, 'askable' | 'dial'>
  networkReady: (signal: AbortSignal) => Promise<void>
  clock: Clock
  log: Logger
}

/** How long an answer holds: each block of a file asks for it. */
const holdsMs = 3000
/** The same for a root of which nothing is known: its pin may come any moment. */
const guessHoldsMs = 250
const rememberedRoots = 64
/** Holders of which something is remembered. */
const rememberedHolders = 256
const dialledHolders = 8
const addressesPerHolder = 8
const identifyMs = 20
/** How long a block waits for a first holder to be connected. */
const dialMs = 3000
/** Who can't be reached is tried again this often while somebody waits for it. */
const againMs = 500
/** The same for those of whom nobody says that they have it. */
const guessAgainMs = 30_000

interface Known { until: number, peers: Promise<readonly PeerId[]> }

/** Those of the peers that have some content to whom this node is connected; whoever isn't yet is dialled. */
export class AllocatedNodes {
  readonly #deps: AllocatedNodesDeps
  readonly #known = new Map<string, Known>()
  readonly #ids = new Map<PeerId, PeerId>()
  readonly #dials = new Map<PeerId, Promise<PeerId>>()
  readonly #failedAt = new Map<PeerId, number>()

  constructor (deps: AllocatedNodesDeps) { this.#deps = deps }

  /** Empty without a root, and when nobody is known or can be reached. Rejects with the signal's reason, or why the network isn't up. */
  async connected (root: CID | undefined, signal: AbortSignal): Promise<readonly PeerId[]> {
    if (root == null) return []
    const key = root.toString()
    const now = this.#deps.clock.elapsed()
    const known = this.#known.get(key)
    if (known != null && now < known.until) return known.peers
    const { list: told, isGuess } = this.#deps.allocatedPeersOf(root)
    const list = isGuess ? [] : told
    if (list.length > 0) await this.#deps.networkReady(signal)
    const fresh = { until: now + (isGuess ? guessHoldsMs : holdsMs), peers: this.#connect(list) }
    this.#known.delete(key)
    this.#known.set(key, fresh)
    keepNewest(this.#known, rememberedRoots)
    return fresh.peers
  }

  /**
   * Resolves when nobody more is to be expected: all who are said to have what is below the root are connected, or don't live any more.
   * Until then those who aren't are dialled again and again. When nobody is said to have it, all members are dialled once: the pin may be
   * known here a moment later than the question. Rejects with the signal's reason, or why the network isn't up.
   */
  async allConnected (root: CID, signal: AbortSignal): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      const { list, mayGrow, isGuess } = this.#deps.allocatedPeersOf(root)
      const missing = list.filter(holder => !this.#isConnected(holder) && !(isGuess && this.#hasFailed(holder)))
      if ((missing.length === 0 && !mayGrow) || (isGuess && !isFirst)) return
      await this.#deps.networkReady(signal)
      const tried = await orAborted(Promise.allSettled(missing.map(async holder => this.#dialled(holder))), signal)
      // whoever asks from now on is told of them
      if (tried.some(({ status }) => status === 'fulfilled')) this.#known.delete(root.toString())
      const isAgain = mayGrow || tried.some(({ status }) => status === 'rejected')
      if (isAgain && !isGuess) await this.#deps.clock.sleep(againMs, signal)
    }
  }

  /** Waits for dials only while nobody is connected. */
  async #connect (holders: readonly AllocatedPeer[]): Promise<readonly PeerId[]> {
    const missing = holders.filter(holder => !this.#isConnected(holder)).slice(0, dialledHolders)
    const dials = missing.map(async holder => this.#dialled(holder))
    if (missing.length > 0 && holders.every(holder => !this.#isConnected(holder))) await Promise.any(dials).catch(() => {})
    else for (const dial of dials) dial.catch(() => {})
    return holders.filter(holder => this.#isConnected(holder)).map(holder => this.#idOf(holder) ?? '')
  }

  #idOf ({ peer, id }: AllocatedPeer): PeerId | undefined { return id ?? this.#ids.get(peer) }

  #hasFailed ({ peer }: AllocatedPeer): boolean {
    const at = this.#failedAt.get(peer)
    return at != null && this.#deps.clock.elapsed() - at < guessAgainMs
  }

  #isConnected (holder: AllocatedPeer): boolean {
    const id = this.#idOf(holder)
    return id != null && this.#deps.network.askable().includes(id)
  }

  /** One dial at a time for whoever waits for that peer. */
  async #dialled (holder: AllocatedPeer): Promise<PeerId> {
    const { peer } = holder
    const running = this.#dials.get(peer) ?? this.#dial(holder).finally(() => this.#dials.delete(peer))
    this.#dials.set(peer, running)
    return running
  }

  async #dial ({ peer, locate }: AllocatedPeer): Promise<PeerId> {
    const { network, clock, log } = this.#deps
    const late = new AbortController()
    const cancel = clock.after(dialMs, () => late.abort(new Error('the peer does not answer')))
    try {
      const { signal } = late
      const { id, addresses } = await orAborted(locate({ signal }), signal)
      remember(this.#ids, peer, id)
      const dialled = addresses.filter(address => !address.includes('/p2p-circuit')).slice(0, addressesPerHolder)
      await Promise.any(dialled.map(async address => network.dial(address, { signal })))
      // what it speaks is known a moment later
      while (!network.askable().includes(id)) await clock.sleep(identifyMs, signal)
      return id
    } catch (err) {
      log.debug('a peer that holds content can not be reached', { peer, err })
      remember(this.#failedAt, peer, clock.elapsed())
      throw err
    } finally {
      cancel()
    }
  }
}

function remember<T> (known: Map<PeerId, T>, peer: PeerId, value: T): void {
  known.delete(peer)
  known.set(peer, value)
  keepNewest(known, rememberedHolders)
}
