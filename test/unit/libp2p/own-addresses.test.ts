import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { OwnAddresses } from '../../../src/libp2p/own-addresses.ts'
import { SimClock } from '../../support/sim-clock.ts'

class Host {
  asked = 0
  addresses: string[]

  constructor (...addresses: string[]) { this.addresses = addresses }

  getMultiaddrs (): Multiaddr[] {
    this.asked++
    return this.addresses.map(one => multiaddr(one))
  }
}

const [one, other] = ['/ip4/127.0.0.1/tcp/4001', '/ip4/127.0.0.1/tcp/4002'] as const

describe('the addresses of a host', () => {
  it('are asked for once in a tenth of a second, and are the new ones then', async () => {
    const clock = new SimClock()
    const [addresses, host] = [new OwnAddresses(clock), new Host(one)]
    const first = addresses.of(host)
    host.addresses = [other]
    const again = addresses.of(host)
    await clock.advance(100)

    assert.deepEqual([first, again, addresses.of(host), host.asked], [[one], [one], [other], 2])
  })

  it('are looked for each time as long as there are none', () => {
    const [addresses, host] = [new OwnAddresses(new SimClock()), new Host()]
    const before = addresses.of(host)
    host.addresses = [one]

    assert.deepEqual([before, addresses.of(host)], [[], [one]])
  })

  it('are those of the host that is asked for, and the caller may change what it got', () => {
    const addresses = new OwnAddresses(new SimClock())
    const [first, second] = [new Host(one), new Host(other)]
    addresses.of(first).push(other)

    assert.deepEqual([addresses.of(first), addresses.of(second), addresses.of(first)], [[one], [other], [one]])
  })
})
