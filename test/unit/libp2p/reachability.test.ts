import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { silentLogger } from '../../../src/base/log.ts'
import { Reachability } from '../../../src/libp2p/reachability.ts'
import type { HostAddress, Reach, ReachabilityComponents, ReachabilityInit } from '../../../src/libp2p/reachability.ts'
import { SimClock } from '../../support/sim-clock.ts'

/** libp2p's components as far as they are used: own addresses, and what AutoNAT would have found out. */
class FakeComponents {
  readonly own: string[] = []
  readonly addresses = new Map<string, HostAddress>()
  readonly listened: string[] = []
  readonly handled = new Set<string>()
  readonly connections: Connection[] = []
  readonly asked: unknown[] = []
  readonly dials: Array<{ target: string, options: object }> = []
  autonat: any // the library's class
  onListening = (): void => {}
  readonly #clock: SimClock

  constructor (clock: SimClock) { this.#clock = clock }

  listens (address: string): void {
    this.own.push(address)
    this.addresses.set(address, { multiaddr: multiaddr(address), verified: false, type: 'transport', expires: 0 })
    this.onListening()
  }

  isSeen (address: string): void {
    this.addresses.set(address, { multiaddr: multiaddr(address), verified: false, type: 'observed', expires: 0 })
  }
  isDialled (address: string): void { this.#prove(address, true, 600_000) }
  isOutOfReach (address: string): void { this.#prove(address, false, 300_000) }
  announced (): string[] {
    return [...this.addresses.values()].filter(({ verified }) => verified).map(({ multiaddr }) => multiaddr.toString())
  }

  #prove (address: string, verified: boolean, ttl: number): void {
    const known = this.addresses.get(address) ?? assert.fail()
    this.addresses.set(address, { ...known, verified, expires: this.#clock.now() + ttl })
  }

  components (): ReachabilityComponents {
    const log = Object.assign(() => {}, { error: () => {}, trace: () => {} })
    const components = {
      addressManager: {
        getAddresses: () => [],
        getAddressesWithMetadata: () => [...this.addresses.values()],
        confirmObservedAddr: (address: Multiaddr, { ttl }: { ttl: number }) => this.#prove(address.toString(), true, ttl)
      },
      transportManager: {
        dialTransportForMultiaddr: () => ({}), getAddrs: () => this.own.map(address => multiaddr(address)),
        listen: async (addresses: Multiaddr[]) => { this.listened.push(...addresses.map(String)) }
      },
      events: { addEventListener: (_: string, listener: () => void) => { this.onListening = listener } },
      connectionManager: {
        getConnections: () => this.connections,
        openConnection: async (target: Multiaddr, options: object) => {
          this.dials.push({ target: target.toString(), options })
          return { remoteAddr: target, close: async () => {} }
        }
      },
      peerRouting: { getClosestPeers: async function * () {} },
      // what the services take besides; AutoNAT looks a peer up before it asks it
      peerStore: { get: async (peer: unknown) => { this.asked.push(peer); throw new Error('asked') } },
      logger: { forComponent: () => log },
      registrar: {
        handle: async (protocol: string) => { this.handled.add(protocol) },
        unhandle: async (protocol: string) => { this.handled.delete(protocol) },
        register: async () => 'id',
        unregister: () => {}
      }
    }
    return components as unknown as ReachabilityComponents
  }
}

const hop = '/libp2p/circuit/relay/0.2.0/hop'
const outer = '/ip4/8.8.8.8/tcp/9096'

describe('reachability', () => {
  let clock: SimClock
  let fake: FakeComponents
  let changes: Reach[]

  beforeEach(() => {
    clock = new SimClock()
    fake = new FakeComponents(clock)
    changes = []
  })

  async function open (init: Partial<ReachabilityInit> = {}, { isAutonatOn = false } = {}): Promise<{
    reachability: Reachability, stop: () => void | Promise<void>
  }> {
    const reachability = new Reachability(
      { isLoopbackOnly: false, relayHop: true, ...init }, { clock, log: silentLogger, onChange: reach => { changes.push(reach) } }
    )
    const services = await reachability.services()
    const components = fake.components()
    // only running does it ask; its own loop isn't wanted here
    if (isAutonatOn) fake.autonat = Object.assign(services.autonat(components), { started: true })
    const service = services.reachability(components)
    return { reachability, stop: () => service.stop() }
  }

  it('announces the addresses it listens on at once, without a proof', async () => {
    await open()

    fake.listens(outer)

    assert.deepEqual(fake.announced(), [outer])
  })

  it('announces an address that others see when it has the port of a listener', async () => {
    const { reachability } = await open()
    fake.listens('/ip4/10.0.0.7/tcp/9096')
    fake.isSeen(outer)
    fake.isSeen('/ip4/8.8.8.8/tcp/50123')

    await reachability.check()

    assert.deepEqual(fake.announced(), [outer])
  })

  it('does not bring back what AutoNAT took away', async () => {
    const { reachability } = await open()
    fake.listens(outer)
    fake.isOutOfReach(outer)

    await reachability.check()

    assert.deepEqual(fake.announced(), [])
  })

  it('is public, and relays, from when somebody has dialled it until that is too long ago', async () => {
    const { reachability, stop } = await open()
    fake.listens(outer)
    await reachability.check()
    assert.equal(reachability.reach, 'unknown')

    fake.isDialled(outer)
    await reachability.check()
    assert.ok(fake.handled.has(hop))
    await clock.advance(600_001)
    await reachability.check()
    assert.equal(reachability.reach, 'public')
    await clock.advance(300_000)
    await reachability.check()

    assert.deepEqual(changes, ['public', 'private'])
    assert.ok(!fake.handled.has(hop))
    await stop()
    assert.equal(fake.handled.size, 0)
  })

  it('asks connected peers to dial it as long as there is no proof, a few at a time', async () => {
    for (const id of [0, 1, 2, 3, 4, 5]) fake.connections.push({ remotePeer: id } as unknown as Connection)
    const { reachability } = await open({}, { isAutonatOn: true })
    fake.listens(outer)

    await reachability.check()
    await reachability.check()

    assert.deepEqual(fake.asked.toSorted(), [0, 0, 1, 1, 2, 3, 4, 5])
  })

  it('dials back anew for others, instead of closing the connection that is there', async () => {
    await open({}, { isAutonatOn: true })
    const id = peerIdFromString('12D3KooWPiCPEG294EeKF5hJVfgHp816Se157FUntrr6bTZ5iyWH')
    const connection = { remotePeer: id, remoteAddr: multiaddr('/ip4/1.2.3.4/tcp/50000') }

    await fake.autonat.handleAutonatMessage(
      { dial: { peer: { id: id.toMultihash().bytes, addrs: [multiaddr('/ip4/1.2.3.4/tcp/9096').bytes] } } }, connection, {}
    )

    assert.deepEqual(fake.dials, [{ target: `/ip4/1.2.3.4/tcp/9096/p2p/${id.toString()}`, options: { force: true } }])
  })

  it('does not relay unless it is told to', async () => {
    const { reachability } = await open({ relayHop: false })
    fake.listens(outer)
    fake.isDialled(outer)

    await reachability.check()

    assert.equal(reachability.reach, 'public')
    assert.ok(!fake.handled.has(hop))
  })

  it('looks for relays, once, when nobody could dial it for three minutes', async () => {
    const { reachability } = await open()
    fake.listens('/ip4/192.168.1.7/tcp/9096')
    fake.isSeen('/ip4/8.8.8.8/tcp/50123')
    await reachability.check()
    assert.deepEqual(fake.listened, [])
    await clock.advance(180_000)

    await reachability.check()
    await reachability.check()

    assert.deepEqual(fake.listened, ['/p2p-circuit'])
    assert.deepEqual(changes, ['private'])
  })

  it('stays unknown, and does nothing, in a network without public addresses', async () => {
    const { reachability } = await open()
    fake.listens('/ip4/192.168.1.7/tcp/9096')
    await clock.advance(3_600_000)

    await reachability.check()

    assert.deepEqual([reachability.reach, fake.listened, [...fake.handled]], ['unknown', [], []])
  })
})
