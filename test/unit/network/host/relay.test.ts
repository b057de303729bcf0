import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { ClusterHostInit, Libp2pClusterHost } from '../../../../src/network/host/host.ts'
import { dualDht } from '../../../../src/network/host/routing.ts'
import { newHost } from '../../../support/cluster-hosts.ts'
import { pollUntil } from '../../../support/poll.ts'

const hop = '/libp2p/circuit/relay/0.2.0/hop'
const wan = '/ipfs/kad/1.0.0'
const publicAddress = '/ip4/8.8.8.8/tcp/4001'
const hosts: Libp2pClusterHost[] = []

async function startHost (init: Partial<ClusterHostInit> = {}): Promise<Libp2pClusterHost> {
  const host = await newHost(init, { services: dualDht })
  hosts.push(host)
  await host.start(new AbortController().signal)
  return host
}

const componentsOf = (host: Libp2pClusterHost): any => (host.libp2p() as any).components // libp2p shows them to its services only
const protocols = (host: Libp2pClusterHost): string[] => host.libp2p().getProtocols()
/** Where it really listens, whatever it announces. */
const listening = (host: Libp2pClusterHost): string => String(componentsOf(host).transportManager.getAddrs()[0])

/** Tries again: within libp2p's seconds for a connection's beginning a loaded machine may come to nothing. */
async function connected (from: Libp2pClusterHost, address: string): Promise<Connection> {
  let connection: Connection | undefined
  let failure: unknown
  await pollUntil(async () => {
    try {
      connection = await from.libp2p().dial(multiaddr(address))
    } catch (err) {
      failure = err
    }
    return connection != null
  }).catch(() => { throw failure })
  return connection!
}

describe('relays between cluster hosts', () => {
  afterEach(async () => { await Promise.all(hosts.splice(0).map(async host => host.stop())) })

  it('has what a Go peer on loopback has: answers AutoNAT and can be dialled through relays, neither relays nor answers in the public DHT', async () => {
    const host = await startHost({ relayHop: true })

    await host.reachability.check()

    assert.deepEqual(protocols(host).filter(protocol => /autonat|circuit|dcutr|kad/.test(protocol)).toSorted(),
      ['/ipfs/lan/kad/1.0.0', '/libp2p/autonat/1.0.0', '/libp2p/circuit/relay/0.2.0/stop'])
    assert.equal(host.reachability.reach, 'unknown')
  })

  it('relays for others, answers in the public DHT and punches holes when it is public', async () => {
    const host = await startHost({ relayHop: true, announce: [publicAddress] })

    await host.reachability.check()

    assert.equal(host.reachability.reach, 'public')
    for (const protocol of [hop, wan, '/libp2p/dcutr']) assert.ok(protocols(host).includes(protocol), protocol)
  })

  it('does not relay when enable_relay_hop is false', async () => {
    const host = await startHost({ announce: [publicAddress] })

    await host.reachability.check()

    assert.ok(!protocols(host).includes(hop))
  })

  it('connects two peers through a third, behind the secret', async () => {
    const relay = await startHost({ relayHop: true, announce: [publicAddress] })
    await relay.reachability.check()
    const [hidden, dialler] = [await startHost(), await startHost()]
    const relayAddress = `${listening(relay)}/p2p/${relay.peer}/p2p-circuit`
    await connected(hidden, relayAddress.replace('/p2p-circuit', ''))
    await componentsOf(hidden).transportManager.listen([multiaddr(relayAddress)])

    const connection = await connected(dialler, `${relayAddress}/p2p/${hidden.peer}`)

    assert.equal(connection.remotePeer.toString(), hidden.peer)
    assert.match(connection.remoteAddr.toString(), /p2p-circuit/)
    await pollUntil(() => hidden.connectedPeers().includes(dialler.peer), { everyMs: 5 })
  })
})
