import type { Libp2p, PeerId as Libp2pPeerId } from '@libp2p/interface'
import type { Clock } from '../../base/clock.ts'
import { ClusterError, invalidArgument, messageOf } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import { Listeners } from '../../base/listeners.ts'
import type { Logger } from '../../base/log.ts'
import { sideBySide } from '../../base/side-by-side.ts'
import type { Worker, WorkerHandle, Workers } from '../../base/worker.ts'
import type { MultiaddrText, PeerId } from '../../model/cid.ts'
import { dialFailure } from './dial-failure.ts'
import type { Libp2pClusterHost } from './host.ts'
import { trimConnections } from './trim-connections.ts'

export interface ConnectionManagerInit {
  self: PeerId
  /** `peer_addresses`, with /p2p: tried first, and for ever. */
  permanent: readonly MultiaddrText[]
  /**
   * Above `highWater` connections, those of untrusted peers older than the grace period are closed down to `lowWater`; below that others
   * are dialled.
   */
  connections: { lowWater: number, highWater: number, gracePeriodMs: number }
}

export interface ConnectionManagerDeps {
  host: Libp2pClusterHost
  /** Connections of trusted peers are kept. */
  trusts: (peer: PeerId) => boolean
  workers: Workers
  clock: Clock
  log: Logger
}

/** Keeps this peer connected to the others. */
export interface ConnectionManager extends Startable {
  /** Keeps addresses (with /p2p) for dialling. Those that aren't addresses are passed over. */
  remember (addresses: readonly MultiaddrText[]): Promise<void>
  /**
   * Dials an address with /p2p, and keeps it for dialling. Rejects with PEER_UNREACHABLE (it is dialled again then, as other known peers
   * are), or INVALID_ARGUMENT when it names no peer.
   */
  dial (address: MultiaddrText, options: { signal: AbortSignal }): Promise<PeerId>
  /** Dials known peers that aren't connected until there are enough. Resolves to those that were reached. */
  dialKnown (options: { signal: AbortSignal }): Promise<PeerId[]>
  onPeer (listener: (peer: PeerId, isHere: boolean) => void): () => void
  /** Peers that were to be remembered or dialled by an address, and not forgotten since. */
  expected (): ReadonlySet<PeerId>
  /** The peer isn't expected any more. */
  forget (peer: PeerId): void
}

const reconnectIntervalMs = 30_000
const permanentIntervalMs = 5 * 60_000
const trimIntervalMs = 10_000
/** Tries after a connection was lost, before the interval takes over. */
const redialAfterMs = [500, 1000, 2000, 4000, 8000]
const dialsAtOnce = 8
const trustedTag = { crdt: { value: 100 } }

/** Dials nobody before `start`. */
export function libp2pConnectionManager (init: ConnectionManagerInit, deps: ConnectionManagerDeps): ConnectionManager {
  return new Libp2pConnectionManager(init, deps)
}

class Libp2pConnectionManager implements ConnectionManager {
  readonly name = 'connection manager'
  readonly #init: ConnectionManagerInit
  readonly #deps: ConnectionManagerDeps
  readonly #listeners = new Listeners<{ peer: PeerId, isHere: boolean }>()
  readonly #redials = new Map<PeerId, () => void>()
  readonly #expected = new Set<PeerId>()
  #loops: WorkerHandle[] = []
  #stop = new AbortController()

  constructor (init: ConnectionManagerInit, deps: ConnectionManagerDeps) {
    this.#init = init
    this.#deps = deps
    deps.host.attach(libp2p => {
      libp2p.addEventListener('peer:connect', ({ detail }) => this.#came(libp2p, detail))
      libp2p.addEventListener('peer:disconnect', ({ detail }) => this.#went(detail))
      libp2p.addEventListener('peer:discovery', ({ detail }) => this.#discovered(libp2p, detail.id))
    })
  }

  async start (): Promise<void> {
    this.#stop = new AbortController()
    await this.remember(this.#init.permanent)
    this.#loops = [this.#dialer(), this.#permanentDialer(), this.#trimmer()].map(worker => this.#deps.workers.add(worker))
  }

  async stop (): Promise<void> {
    this.#stop.abort(new ClusterError('NOT_READY', {}, { message: 'the peer stops' }))
    for (const cancel of this.#redials.values()) cancel()
    this.#redials.clear()
    await Promise.all(this.#loops.splice(0).map(async loop => loop.stop()))
  }

  onPeer (listener: (peer: PeerId, isHere: boolean) => void): () =>
    void { return this.#listeners.add(({ peer, isHere }) => listener(peer, isHere)) }

  async remember (addresses: readonly MultiaddrText[]): Promise<void> {
    const { peerStore } = this.#deps.host.libp2p()
    const { peerIdFromString, parseMultiaddr } = await parsers()
    for (const text of addresses) {
      try {
        const peer = peerOf(text)
        if (peer === this.#init.self) continue
        await peerStore.merge(peerIdFromString(peer), { multiaddrs: [parseMultiaddr(text)] })
        this.#expected.add(peer)
      } catch (err) {
        this.#deps.log.warn('not a peer address', { address: text, err })
      }
    }
  }

  async dial (address: MultiaddrText, { signal }: { signal: AbortSignal }): Promise<PeerId> {
    const peer = peerOf(address)
    await this.remember([address])
    const { parseMultiaddr } = await parsers()
    try {
      await this.#deps.host.libp2p().dial(parseMultiaddr(address), { signal: AbortSignal.any([signal, this.#stop.signal]) })
      return peer
    } catch (err) {
      signal.throwIfAborted()
      if (peer !== this.#init.self) this.#redial(peer, 0)
      throw new ClusterError('PEER_UNREACHABLE', { peer, address }, { message: dialFailure(peer, err), cause: err })
    }
  }

  expected (): ReadonlySet<PeerId> { return this.#expected }
  forget (peer: PeerId): void { this.#expected.delete(peer) }

  async dialKnown ({ signal }: { signal: AbortSignal }): Promise<PeerId[]> {
    const { host } = this.#deps
    const missing = this.#init.connections.lowWater - host.connectedPeers().length
    if (missing <= 0) return []
    const connected = new Set([...host.connectedPeers(), this.#init.self])
    const known = (await host.libp2p().peerStore.all()).map(({ id }) => id.toString()).filter(peer => !connected.has(peer))
    return this.#dialSome(known.slice(0, missing), signal)
  }

  async #dialSome (peers: PeerId[], signal: AbortSignal): Promise<PeerId[]> {
    const reached: PeerId[] = []
    await sideBySide(peers, dialsAtOnce, async peer => { if (await this.#isReached(peer, signal)) reached.push(peer) })
    return reached
  }

  async #isReached (peer: PeerId, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted || this.#stop.signal.aborted) return false
    const { peerIdFromString } = await parsers()
    try {
      await this.#deps.host.libp2p().dial(peerIdFromString(peer), { signal: AbortSignal.any([signal, this.#stop.signal]) })
      return true
    } catch (err) {
      this.#deps.log.debug('a known peer can not be reached', { peer, err: messageOf(err) })
      return false
    }
  }

  #came (libp2p: Libp2p, id: Libp2pPeerId): void {
    const peer = id.toString()
    this.#deps.log.debug('a peer is connected', { peer })
    this.#redials.get(peer)?.()
    this.#redials.delete(peer)
    if (this.#deps.trusts(peer)) {
      libp2p.peerStore.merge(
        id, { tags: trustedTag }
      ).catch(err => this.#deps.log.debug('a trusted peer could not be tagged', { peer, err }))
    }
    this.#listeners.emit({ peer, isHere: true })
  }

  #went (id: Libp2pPeerId): void {
    const peer = id.toString()
    this.#deps.log.debug('a peer is gone', { peer })
    if (!this.#stop.signal.aborted && this.#deps.trusts(peer)) this.#redial(peer, 0)
    this.#listeners.emit({ peer, isHere: false })
  }

  #redial (peer: PeerId, attempt: number): void {
    const afterMs = redialAfterMs[attempt]
    if (afterMs == null || this.#deps.host.connectedPeers().length >= this.#init.connections.lowWater) return
    this.#redials.get(peer)?.()
    this.#redials.set(peer, this.#deps.clock.after(afterMs, () => {
      this.#redials.delete(peer)
      void this.#isReached(peer, this.#stop.signal).then(isReached => {
        if (!isReached && !this.#stop.signal.aborted) this.#redial(peer, attempt + 1)
      })
    }))
  }

  #discovered (libp2p: Libp2p, id: Libp2pPeerId): void {
    if (this.#stop.signal.aborted || libp2p.getConnections(id).length > 0) return
    if (libp2p.getPeers().length < this.#init.connections.lowWater) void this.#isReached(id.toString(), this.#stop.signal)
  }

  #dialer (): Worker {
    return {
      name: 'dial known peers',
      intervalMs: () => reconnectIntervalMs,
      runAtStart: false,
      work: async signal => {
        await this.dialKnown({ signal })
        return 'idle'
      }
    }
  }

  /** Also when there are enough connections. */
  #permanentDialer (): Worker {
    return {
      name: 'dial permanent peers',
      intervalMs: () => permanentIntervalMs,
      runAtStart: false,
      work: async signal => {
        const connected = new Set(this.#deps.host.connectedPeers())
        const peers = this.#init.permanent.map(peerOf).filter(peer => !connected.has(peer) && peer !== this.#init.self)
        await this.remember(this.#init.permanent)
        await this.#dialSome(peers, signal)
        return 'idle'
      }
    }
  }

  #trimmer (): Worker {
    const { host, trusts, clock } = this.#deps
    return {
      name: 'trim connections',
      intervalMs: () => trimIntervalMs,
      runAtStart: false,
      work: async () => {
        await trimConnections(host.libp2p().getConnections(), { ...this.#init.connections, isKept: trusts, now: clock.now() })
        return 'idle'
      }
    }
  }
}

/** Loaded when they are needed: a peer's first listener must not wait for them. */
async function parsers () {
  const [{ peerIdFromString }, { parseMultiaddr }] = await Promise.all([import('@libp2p/peer-id'), import('../../model/multiaddr.ts')])
  return { peerIdFromString, parseMultiaddr }
}

function peerOf (address: MultiaddrText): PeerId {
  const peer = /\/p2p\/([^/]+)$/.exec(address)?.[1]
  if (peer == null) throw invalidArgument('the address names no peer', { address })
  return peer
}
