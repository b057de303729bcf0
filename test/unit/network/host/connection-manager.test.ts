import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { Startable } from '../../../../src/base/lifecycle.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemClock, systemRandom } from '../../../../src/base/system.ts'
import { WorkerRunner } from '../../../../src/base/worker.ts'
import type { Libp2pClusterHost } from '../../../../src/network/host/host.ts'
import { libp2pConnectionManager } from '../../../../src/network/host/connection-manager.ts'
import type { ConnectionManager } from '../../../../src/network/host/connection-manager.ts'
import { newHost } from '../../../support/cluster-hosts.ts'
import { pollUntil } from '../../../support/poll.ts'

const started: Startable[] = []
const never = { signal: new AbortController().signal }

async function start<S extends Startable> (component: S): Promise<S> {
  await component.start(never.signal)
  started.push(component)
  return component
}

async function peer (permanent: string[] = [], trusts = true): Promise<{
  host: Libp2pClusterHost, connectionManager: ConnectionManager, address: string
}> {
  const host = await newHost()
  const workers = new WorkerRunner({ clock: systemClock, random: systemRandom, log: silentLogger })
  const connectionManager = libp2pConnectionManager(
    { self: host.peer, permanent, connections: { lowWater: 10, highWater: 20, gracePeriodMs: 1000 } },
    { host, trusts: () => trusts, workers, clock: systemClock, log: silentLogger }
  )
  await start(host)
  await start(workers)
  await start(connectionManager)
  return { host, connectionManager, address: host.addresses()[0] ?? '' }
}

describe('connection manager', () => {
  afterEach(async () => { for (const component of started.splice(0).toReversed()) await component.stop() })

  it('are dialled by address, and who listens hears of it', async () => {
    const [one, two] = [await peer(), await peer()]
    const events: string[] = []
    two.connectionManager.onPeer((id, isHere) => { events.push(`${id} ${isHere ? 'came' : 'went'}`) })

    const reached = await one.connectionManager.dial(two.address, never)
    await pollUntil(() => events.length === 1, { everyMs: 1 })
    await one.host.stop()

    await pollUntil(() => events.length === 2, { everyMs: 1 })
    assert.equal(reached, two.host.peer)
    assert.deepEqual(events, [`${one.host.peer} came`, `${one.host.peer} went`])
  })

  it('that are known from before are dialled; lines that are no addresses are passed over', async () => {
    const [one, two] = [await peer(), await peer()]

    await one.connectionManager.remember([two.address, '/ip4/127.0.0.1/tcp/1', 'nonsense', one.address])
    const reached = await one.connectionManager.dialKnown(never)

    assert.deepEqual(reached, [two.host.peer])
  })

  it('of the configuration are known from the start', async () => {
    const two = await peer()

    const one = await peer([two.address])

    assert.deepEqual(await one.connectionManager.dialKnown(never), [two.host.peer])
  })

  it('are expected when they were named by an address, reached or not, until they are forgotten', async () => {
    const [one, two, three] = [await peer(), await peer(), await peer()]
    const configured = await peer([two.address])
    const nobody = `/ip4/127.0.0.1/tcp/1/p2p/${three.host.peer}`

    await one.connectionManager.remember([two.address, one.address, 'nonsense'])
    await assert.rejects(one.connectionManager.dial(nobody, never))
    const expected = [...one.connectionManager.expected()]
    one.connectionManager.forget(two.host.peer)

    assert.deepEqual(expected, [two.host.peer, three.host.peer])
    assert.deepEqual([...one.connectionManager.expected()], [three.host.peer])
    assert.deepEqual([...configured.connectionManager.expected()], [two.host.peer])
    assert.deepEqual([...two.connectionManager.expected()], [])
  })

  it('that can not be dialled yet are dialled again', async () => {
    const [one, two] = [await peer(), await peer()]
    const { peerStore } = one.host.libp2p()
    await assert.rejects(one.connectionManager.dial(`/ip4/127.0.0.1/tcp/1/p2p/${two.host.peer}`, never), { code: 'PEER_UNREACHABLE' })

    // the peer begins to listen; here at another address
    const [known] = await peerStore.all({ filters: [({ id }) => id.toString() === two.host.peer] })
    assert.ok(known != null)
    await peerStore.merge(known.id, { multiaddrs: two.host.libp2p().getMultiaddrs() })

    await pollUntil(() => one.host.connectedPeers().includes(two.host.peer), { everyMs: 5 })
  })

  it('whose connection breaks are dialled again', async () => {
    const [one, two] = [await peer(), await peer()]
    await one.connectionManager.dial(two.address, never)
    await pollUntil(() => one.host.addressesOf(two.host.peer).length > 0 && two.host.connectedPeers().length > 0, { everyMs: 1 })
    let losses = 0
    one.connectionManager.onPeer((_, isHere) => { if (!isHere) losses++ })

    for (const connection of two.host.libp2p().getConnections()) connection.abort(new Error('the cable is cut'))

    await pollUntil(() => losses === 1 && one.host.connectedPeers().includes(two.host.peer), { everyMs: 5 })
  })

  it('that are trusted are tagged', async () => {
    const [one, two] = [await peer(), await peer()]

    await one.connectionManager.dial(two.address, never)

    const libp2p = one.host.libp2p()
    const [connection] = libp2p.getConnections()
    assert.ok(connection)
    await pollUntil(async () => (await libp2p.peerStore.get(connection.remotePeer)).tags.get('crdt')?.value === 100, { everyMs: 1 })
  })

  it('that cannot be reached or are not named are errors', async () => {
    const one = await peer()

    await assert.rejects(
      one.connectionManager.dial('/ip4/127.0.0.1/tcp/1/p2p/12D3KooWQYw5xt2Wfk1Q6Yw9kzBtK6LZLr2SPKW8Hqh8D9w2ZQ8V', never),
      { code: 'PEER_UNREACHABLE' }
    )
    await assert.rejects(one.connectionManager.dial('/ip4/127.0.0.1/tcp/1', never), { code: 'INVALID_ARGUMENT' })
  })
})
