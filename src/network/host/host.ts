import type { Libp2p, PeerUpdate } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import { rateLimitedLogger } from '../../base/rate-limited-logger.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { MultiaddrText, PeerId } from '../../model/cid.ts'
import type { Bandwidth } from '../../model/peer.ts'
import type { ClusterHost } from '../network.ts'
import { listenFailure } from '../../libp2p/listen-failure.ts'
import { OwnAddresses } from '../../libp2p/own-addresses.ts'
import { Reachability } from '../../libp2p/reachability.ts'
import { BandwidthCounter } from './bandwidth.ts'
import { setWanMode } from './routing.ts'

export interface ClusterHostInit {
  /** This peer's ID: that of the private key. */
  peer: PeerId
  /** The libp2p protobuf of the private key. */
  privateKey: Uint8Array
  /** 64 hexadecimal digits; '' for a network without a secret. */
  secret: string
  /** TCP and WebSocket addresses; others (QUIC, as Go's default file has one) are left out, as Go does. */
  listen: readonly MultiaddrText[]
  /** In place of the addresses that the host finds itself; empty: its own. */
  announce: readonly MultiaddrText[]
  /** Never announced: addresses, or networks (`/ip4/10.0.0.0/ipcidr/8`). */
  noAnnounce: readonly MultiaddrText[]
  /** As identify tells it: `helia-cluster/1.2.3`. */
  agentVersion: string
  maxConnections: number
  dialTimeoutMs: number
  /** Whether peers of the local network are looked for. Default false. */
  mdns?: boolean
  /** Whether this host relays for others while it is publicly reachable. Default false. */
  relayHop?: boolean
}

export interface ClusterHostDeps { clock: Clock, log: Logger }

/** The cluster host and, for what is built on it inside of this folder, its libp2p. */
export interface Libp2pClusterHost extends ClusterHost {
  /** The running libp2p. Throws NOT_READY before `start` and after `stop`. */
  libp2p (): Libp2p
  /** Whether the world can reach this host, and what follows from it. Its worker is for the owner to run. */
  readonly reachability: Reachability
  /** Calls back with the libp2p before it listens, or at once when it runs already: for handlers and event listeners. */
  attach (use: (libp2p: Libp2p) => void | Promise<void>): void
}

/** Services that sit on the host from its start on (gossip, …), as libp2p's `services`. */
export type HostServices = NonNullable<Libp2pOptions['services']>

/**
 * The libp2p host that speaks to the cluster's peers only, behind the cluster secret: TCP and WebSockets, noise and TLS, yamux, identify,
 * ping, AutoNAT, relays. libp2p's modules are loaded in `start`. `services` adds libp2p services.
 */
export function libp2pClusterHost (
  init: ClusterHostInit, deps: ClusterHostDeps, services: () => Promise<HostServices> = async () => ({})
): Libp2pClusterHost {
  return new Host(init, deps, services)
}

class Host implements Libp2pClusterHost {
  readonly name = 'cluster host'
  readonly peer: PeerId
  readonly reachability: Reachability
  readonly #init: ClusterHostInit
  readonly #deps: ClusterHostDeps
  readonly #services: () => Promise<HostServices>
  readonly #bandwidth: BandwidthCounter
  readonly #addresses: OwnAddresses
  readonly #known = new Map<PeerId, MultiaddrText[]>()
  readonly #attached: Array<(libp2p: Libp2p) => void | Promise<void>> = []
  #libp2p: Libp2p | undefined

  constructor (init: ClusterHostInit, deps: ClusterHostDeps, services: () => Promise<HostServices>) {
    this.#init = init
    this.#deps = deps
    this.#services = services
    this.peer = init.peer
    this.#bandwidth = new BandwidthCounter(deps.clock)
    this.#addresses = new OwnAddresses(deps.clock)
    this.reachability = new Reachability({ isLoopbackOnly: isLoopbackOnly(init), relayHop: init.relayHop ?? false }, {
      ...deps, onChange: async reach => setWanMode(this.libp2p(), reach === 'public' ? 'server' : 'client')
    })
  }

  async start (): Promise<void> {
    const { createLibp2p } = await import('libp2p')
    const libp2p = await createLibp2p({
      ...await libp2pOptions(this.#init, { reachability: this.reachability, log: rateLimitedLogger(this.#deps) }),
      metrics: () => this.#bandwidth,
      services: await this.#allServices(), start: false
    })
    if (libp2p.peerId.toString() !== this.peer) {
      throw new ClusterError(
        'INVALID_CONFIG', { peer: this.peer }, { message: `the private key belongs to ${libp2p.peerId.toString()}, not to ${this.peer}` }
      )
    }
    libp2p.addEventListener('peer:update', event => this.#note(event.detail))
    try {
      for (const use of this.#attached) await use(libp2p)
      await libp2p.start()
    } catch (err) {
      await Promise.resolve(libp2p.stop()).catch(() => {})
      throw new ClusterError('INVALID_CONFIG', {}, { message: `the cluster host can't listen: ${listenFailure(err)}`, cause: err })
    }
    this.#libp2p = libp2p
    this.#deps.log.info('cluster host listens', { addresses: this.addresses() })
  }

  async stop (): Promise<void> {
    const libp2p = this.#libp2p
    this.#libp2p = undefined
    await libp2p?.stop()
  }

  libp2p (): Libp2p {
    if (this.#libp2p == null) throw new ClusterError('NOT_READY', {}, { message: 'the cluster host is not running' })
    return this.#libp2p
  }

  attach (use: (libp2p: Libp2p) => void | Promise<void>): void {
    this.#attached.push(use)
    if (this.#libp2p != null) void use(this.#libp2p)
  }

  addresses (): MultiaddrText[] { return this.#libp2p == null ? [] : this.#addresses.of(this.#libp2p) }
  addressesOf (peer: PeerId): MultiaddrText[] { return peer === this.peer ? this.addresses() : [...this.#known.get(peer) ?? []] }
  connectedPeers (): PeerId[] { return this.#libp2p?.getPeers().map(String) ?? [] }
  bandwidth (): Map<string, Bandwidth> { return this.#bandwidth.read() }

  async #allServices (): Promise<HostServices> {
    const [{ identify, identifyPush }, { ping }, more] = await Promise.all(
      [import('@libp2p/identify'), import('@libp2p/ping'), this.#services()]
    )
    return { identify: identify(), identifyPush: identifyPush(), ping: ping(), ...await this.reachability.services(), ...more }
  }

  #note ({ peer }: PeerUpdate): void {
    const id = peer.id.toString()
    const addresses = peer.addresses.map(({ multiaddr }) => withPeer(multiaddr.toString(), id))
    if (addresses.length === 0) this.#known.delete(id)
    else this.#known.set(id, addresses)
  }
}

const withPeer = (address: MultiaddrText, peer: PeerId): MultiaddrText =>
  address.endsWith(`/p2p/${peer}`) ? address : `${address}/p2p/${peer}`

/** What another peer may send on a stream before we read. libp2p resets a paused stream on which more than 4 MiB wait. */
const streamWindowBytes = 2 * 1024 * 1024

/** Go's service tag. */
const mdnsService = '_ipfs-cluster-discovery._udp.local'

/** True when nobody outside can reach this host, and nobody is told otherwise. */
const isLoopbackOnly = ({ listen, announce }: ClusterHostInit): boolean =>
  announce.length === 0 && listen.every(address => /^\/(ip4\/127\.|ip6\/::1\/)/.test(address))

/** TCP, plain or with WebSockets on it. */
const canListen = (address: MultiaddrText): boolean => /\/tcp\/\d+(\/wss?)?$/.test(address)

async function libp2pOptions (
  init: ClusterHostInit, { reachability, log }: { reachability: Reachability, log: Logger }
): Promise<Libp2pOptions> {
  const [
    { tcp }, { webSockets }, { noise }, { tlsOnDemand }, { yamux }, { privateKeyFromProtobuf }, { clusterProtector }, { announceFilter },
    { noiseCrypto }
  ] = await Promise.all([
    import('@libp2p/tcp'), import('@libp2p/websockets'), import('@libp2p/noise'), import('../../libp2p/tls-on-demand.ts'),
    import('@libp2p/yamux'), import('@libp2p/crypto/keys'), import('./secret/protector.ts'), import('./announce.ts'), import('../../libp2p/noise-crypto.ts')
  ])
  return {
    privateKey: privateKeyFromProtobuf(init.privateKey),
    nodeInfo: { userAgent: init.agentVersion },
    addresses: {
      listen: init.listen.filter(canListen),
      announce: [...init.announce],
      announceFilter: announceFilter(init.noAnnounce)
    },
    transports: [tcp(), webSockets(), await reachability.transport()],
    connectionEncrypters: [noise({ crypto: noiseCrypto() }), tlsOnDemand()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: streamWindowBytes } })],
    ...(init.mdns === true ? { peerDiscovery: [(await import('@libp2p/mdns')).mdns({ serviceTag: mdnsService })] } : {}),
    ...(init.secret === '' ? {} : { connectionProtector: clusterProtector(init.secret, { log }) }),
    connectionManager: { maxConnections: init.maxConnections, dialTimeout: init.dialTimeoutMs, inboundConnectionThreshold: 100 }
  }
}
