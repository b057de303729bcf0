import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Worker } from '../base/worker.ts'
import { throttledWalk } from './throttled-walk.ts'
import type { WalkComponents } from './throttled-walk.ts'

/**
 * Whether others can dial this host from outside. `public`: somebody did (AutoNAT), or the operator announces a public address. `private`:
 * it has or was seen under a public address, and nobody could. `unknown`: neither; so it stays in networks without public addresses.
 */
export type Reach = 'unknown' | 'public' | 'private'

export interface ReachabilityInit {
  /** True when nothing listens but loopback: nothing is loaded beyond what answers others. */
  isLoopbackOnly: boolean
  /** Relay for others (circuit relay v2) while this host is public. */
  relayHop: boolean
}

export interface ReachabilityDeps {
  clock: Clock
  log: Logger
  /** Called at each change. */
  onChange?: (reach: Reach) => void | Promise<void>
}

/** An address of this host. `expires`: Unix milliseconds until which a proof (`verified`) holds. */
export interface HostAddress { multiaddr: Multiaddr, verified: boolean, type: string, expires: number }

/** What is used of libp2p's components. */
export interface ReachabilityComponents extends WalkComponents {
  addressManager: {
    getAddressesWithMetadata (): HostAddress[]
    confirmObservedAddr (address: Multiaddr, options: { type: 'transport' | 'observed', ttl: number }): void
  }
  transportManager: { getAddrs (): Multiaddr[], listen (addresses: Multiaddr[]): Promise<void> }
  connectionManager: { getConnections (): Connection[], openConnection (target: unknown, options?: object): Promise<Connection> }
  events: { addEventListener (type: 'transport:listening', listener: () => void): void }
}

interface Service { start (): void | Promise<void>, stop (): void | Promise<void> }
type Factory = (components: ReachabilityComponents) => Service
/** What AutoNAT's types hide: by itself it asks a peer only when that one connects, and a proof lasts ten minutes. */
interface AutoNat extends Service { verifyExternalAddresses (connection: Connection): Promise<void> }

const checkIntervalMs = 30_000
/** While a host with a public address waits for the first proof. */
const firstCheckIntervalMs = 10_000
/** A host that nobody could dial for this long looks for relays: Go's boot delay. */
const relayAfterMs = 3 * 60_000
/** A proof that ran out counts on for this long, while it is asked for anew. */
const renewalMs = 5 * 60_000
const askedAtOnce = 4
/** Go's limits of a relay; data and time of one relayed connection (128 KiB, 2 minutes) are the library's as well. */
const relayLimits = { hopTimeout: 60_000, reservations: { maxReservations: 128, reservationTtl: 60 * 60_000 } }

/**
 * How a libp2p host deals with being reachable or not, as Go's hosts do: it announces the addresses it listens on without waiting for a
 * proof, tests them by AutoNAT and helps others test theirs, relays for others when it is public, looks for relays when it is private, and
 * punches holes.
 */
export class Reachability {
  readonly #init: ReachabilityInit
  readonly #deps: ReachabilityDeps
  readonly #announced = new Set<string>()
  #components: ReachabilityComponents | undefined
  #autonat: AutoNat | undefined
  #nextAsked = 0
  #isPrivate: (address: Multiaddr) => boolean = () => true
  #reach: Reach = 'unknown'
  /** In the time of the process. */
  #publicSince: number | undefined
  #holePunching: Promise<Service> | undefined
  #relay: Service | undefined
  #isRelayed = false

  constructor (init: ReachabilityInit, deps: ReachabilityDeps) {
    this.#init = init
    this.#deps = deps
  }

  get reach (): Reach { return this.#reach }

  /** For libp2p's `services`. Loads AutoNAT. */
  async services (): Promise<Record<string, any>> { // any: libp2p's map of services knows its own components only
    const [{ autoNAT }, { isPrivate }] = await Promise.all([import('@libp2p/autonat'), import('@libp2p/utils')])
    this.#isPrivate = isPrivate
    return {
      autonat: (components: ReachabilityComponents) =>
        this.#autonat = (autoNAT() as unknown as Factory)(dialsBack(throttled(components, this.#deps.clock))) as AutoNat,
      reachability: (components: ReachabilityComponents) => this.#service(components)
    }
  }

  /** For libp2p's `transports`: dials and is dialled through relays. */
  async transport (): Promise<any> { // any: as in `services`
    const { circuitRelayTransport } = await import('@libp2p/circuit-relay-v2')
    return (components: ReachabilityComponents) => (circuitRelayTransport() as unknown as Factory)(throttled(components, this.#deps.clock))
  }

  worker (): Worker {
    return {
      name: 'reachability',
      intervalMs: () => this.#publicSince != null && this.#reach === 'unknown' ? firstCheckIntervalMs : checkIntervalMs,
      work: async () => {
        await this.check()
        return 'idle'
      }
    }
  }

  /** Looks at the addresses and does what follows. The worker's work. */
  async check (): Promise<void> {
    if (this.#components == null || this.#init.isLoopbackOnly) return
    this.#announce(this.#components)
    const before = this.#reach
    const outer = this.#components.addressManager.getAddressesWithMetadata().filter(
      ({ multiaddr }) => !isRelayed(multiaddr) && !this.#isPrivate(multiaddr)
    )
    this.#reach = this.#judge(outer)
    this.#askForProof(outer, this.#components)
    if (this.#publicSince != null) await this.#punchHoles(this.#components)
    await this.#relayForOthers(this.#components)
    if (this.#reach === 'private') await this.#useRelays(this.#components)
    if (this.#reach === before) return
    this.#deps.log.info('reachability', { reach: this.#reach })
    await this.#deps.onChange?.(this.#reach)
  }

  #service (components: ReachabilityComponents): Service {
    this.#components = components
    components.events.addEventListener('transport:listening', () => this.#announce(components))
    return {
      start: () => {},
      stop: async () => {
        this.#components = undefined
        await this.#relay?.stop()
        this.#relay = undefined
        await (await this.#holePunching?.catch(() => undefined))?.stop()
        this.#holePunching = undefined
        this.#isRelayed = false
      }
    }
  }

  /**
   * libp2p keeps public addresses to itself until four peers of other networks have dialled them: a small cluster never has so many. Go
   * announces them at once, and those that others see, as long as somebody saw them. A time to live of 0 lets AutoNAT test them all the
   * same, and take them back.
   */
  #announce ({ addressManager, transportManager }: ReachabilityComponents): void {
    const own = transportManager.getAddrs()
    const ports = new Set(own.map(portOf))
    const seen = addressManager.getAddressesWithMetadata().filter(
      ({ type, multiaddr }) => type === 'observed' && ports.has(portOf(multiaddr))
    )
    for (const address of own) this.#confirm(addressManager, address, 'transport')
    for (const { multiaddr } of seen) this.#confirm(addressManager, multiaddr, 'observed')
  }

  #confirm (addressManager: ReachabilityComponents['addressManager'], address: Multiaddr, type: 'transport' | 'observed'): void {
    const text = address.toString()
    if (this.#announced.has(text) || isRelayed(address) || this.#isPrivate(address)) return
    this.#announced.add(text)
    addressManager.confirmObservedAddr(address, { type, ttl: 0 })
  }

  #judge (outer: HostAddress[]): Reach {
    const now = this.#deps.clock.now()
    const elapsed = this.#deps.clock.elapsed()
    if (outer.length > 0) this.#publicSince ??= elapsed
    const slackMs = this.#reach === 'public' ? renewalMs : 0
    if (outer.some(({ verified, expires }) => verified && expires > now - slackMs)) return 'public'
    return this.#publicSince != null && elapsed - this.#publicSince >= relayAfterMs ? 'private' : 'unknown'
  }

  #askForProof (outer: HostAddress[], { connectionManager }: ReachabilityComponents): void {
    if (!outer.some(({ expires }) => expires <= this.#deps.clock.now())) return
    const connections = connectionManager.getConnections()
    for (let asked = 0; asked < Math.min(askedAtOnce, connections.length); asked++) {
      const connection = connections[this.#nextAsked++ % connections.length]
      if (connection != null) {
        this.#autonat?.verifyExternalAddresses(connection)
          .catch(err => this.#deps.log.debug('a peer could not be asked to dial back', { err }))
      }
    }
  }

  async #punchHoles (components: ReachabilityComponents): Promise<void> {
    this.#holePunching ??= import('@libp2p/dcutr').then(async ({ dcutr }) => started((dcutr() as unknown as Factory)(components)))
    await this.#holePunching
  }

  async #relayForOthers (components: ReachabilityComponents): Promise<void> {
    const isWanted = this.#init.relayHop && this.#reach === 'public'
    if (isWanted && this.#relay == null) {
      const { circuitRelayServer } = await import('@libp2p/circuit-relay-v2')
      this.#relay = await started((circuitRelayServer(relayLimits) as unknown as Factory)(components))
    } else if (!isWanted && this.#relay != null) {
      await this.#relay.stop()
      this.#relay = undefined
    }
  }

  async #useRelays ({ transportManager }: ReachabilityComponents): Promise<void> {
    if (this.#isRelayed) return
    this.#isRelayed = true
    const { multiaddr } = await import('@multiformats/multiaddr')
    await transportManager.listen([multiaddr('/p2p-circuit')]).catch(err => this.#deps.log.debug('no relay can be listened on', { err }))
  }
}

const isRelayed = (address: Multiaddr): boolean => address.toString().includes('/p2p-circuit')
const portOf = (address: Multiaddr): string => /\/tcp\/(\d+)/.exec(address.toString())?.[1] ?? ''

async function started (service: Service): Promise<Service> {
  await service.start()
  return service
}

/** The components with a random walk that rests. */
const throttled = (components: ReachabilityComponents, clock: Clock): ReachabilityComponents =>
  Object.create(components, { randomWalk: { value: throttledWalk(components, { clock }) } })

/**
 * For AutoNAT's answers. It dials an address and closes the connection; libp2p would hand it the one that is there already, and with it go
 * down all streams between the two peers.
 */
function dialsBack (components: ReachabilityComponents): ReachabilityComponents {
  const { connectionManager } = components
  const openConnection = async (target: unknown, options?: object): Promise<Connection> =>
    connectionManager.openConnection(target, Array.isArray(target) ? options : { ...options, force: true })
  return Object.create(components, {
    connectionManager: { value: Object.create(connectionManager, { openConnection: { value: openConnection } }) }
  })
}
