import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { silentLogger } from '../../../../src/base/log.ts'
import type { Logger } from '../../../../src/base/log.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { libp2pClusterHost } from '../../../../src/network/host/host.ts'
import type { ClusterHostInit, Libp2pClusterHost } from '../../../../src/network/host/host.ts'
import { NotedLogger } from '../../../support/noted-logger.ts'
import { newHost } from '../../../support/cluster-hosts.ts'
import { pollUntil as eventually } from '../../../support/poll.ts'

const hosts: Libp2pClusterHost[] = []

async function startHost (init: Partial<ClusterHostInit> = {}, parts: { log?: Logger } = {}): Promise<Libp2pClusterHost> {
  const host = await newHost(init, parts)
  hosts.push(host)
  await host.start(new AbortController().signal)
  return host
}

const addressOf = (host: Libp2pClusterHost): ReturnType<typeof multiaddr> => multiaddr(host.addresses()[0] ?? '')

describe('libp2p cluster host', () => {
  afterEach(async () => { await Promise.all(hosts.splice(0).map(async host => host.stop())) })

  it('connects peers that have the secret, and each knows the other', async () => {
    const [one, two] = [await startHost(), await startHost()]

    await one.libp2p().dial(addressOf(two))

    assert.deepEqual(one.connectedPeers(), [two.peer])
    await eventually(() => two.connectedPeers().includes(one.peer))
    await eventually(() => two.addressesOf(one.peer).some(address => one.addresses().includes(address)))
    await eventually(async () => (await one.libp2p().peerStore.get(peerIdOf(two))).metadata.get('AgentVersion')?.toString() != null)
    const agent = (await one.libp2p().peerStore.get(peerIdOf(two))).metadata.get('AgentVersion')
    assert.equal(Buffer.from(agent ?? []).toString(), 'helia-cluster/0.0.0-test')
  })

  it('keeps out who has another secret', async () => {
    const [one, two] = [await startHost(), await startHost({ secret: 'f'.repeat(64) })]

    await assert.rejects(one.libp2p().dial(addressOf(two)))

    assert.deepEqual(two.connectedPeers(), [])
  })

  it('says on both sides that the secret may be another one', async () => {
    const logs = [new NotedLogger(), new NotedLogger()]
    const [one, two] = [await startHost({}, { log: logs[0]! }), await startHost({ secret: 'f'.repeat(64) }, { log: logs[1]! })]

    for (let time = 0; time < 3; time++) await assert.rejects(one.libp2p().dial(addressOf(two)))

    const said = logs.map(log => log.warnings().map(([message, { from }]) => [/cluster secret/.test(message), from]))
    assert.deepEqual(said, [[[true, addressOf(two).toString()]], [[true, '/ip4/127.0.0.1']]])
  })

  it('sends 8 MiB in one piece behind the secret and counts its bytes', async () => {
    const [one, two] = [await startHost(), await startHost()]
    const payload = Buffer.alloc(8 * 1024 * 1024, 'payload ')
    const received: Buffer[] = []
    const arrived = new Promise<void>(resolve => {
      void two.libp2p().handle('/test/big', async stream => {
        for await (const chunk of stream) received.push(Buffer.from(chunk.subarray()))
        resolve()
      })
    })
    const stream = await one.libp2p().dialProtocol(addressOf(two), '/test/big')

    stream.send(payload)
    await stream.close()
    await arrived

    assert.ok(Buffer.concat(received).equals(payload))
    assert.equal(one.bandwidth().get('/test/big')?.totalOut, payload.length)
    assert.equal(two.bandwidth().get('/test/big')?.totalIn, payload.length)
    assert.ok((one.bandwidth().get('/test/big')?.rateOut ?? 0) > 0)
  })

  it('speaks over WebSockets, too', async () => {
    const [one, two] = [await startHost(), await startHost({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] })]

    await one.libp2p().dial(addressOf(two))

    assert.deepEqual(one.connectedPeers(), [two.peer])
  })

  it('announces what it is told to and never what it is told not to', async () => {
    const host = await startHost({
      listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/udp/0/quic'],
      announce: ['/ip4/10.1.2.3/tcp/9096', '/ip4/192.0.2.7/tcp/9096', '/dns4/peer.example/tcp/9096'],
      noAnnounce: ['/ip4/10.0.0.0/ipcidr/8', '/dns4/peer.example/tcp/9096']
    })

    const addresses = host.addresses()

    assert.deepEqual(addresses, [`/ip4/192.0.2.7/tcp/9096/p2p/${host.peer}`])
  })

  it('refuses a secret that is none', async () => {
    await assert.rejects(startHost({ secret: 'abc' }), { code: 'INVALID_CONFIG' })
  })

  it('refuses a key of another peer', async () => {
    const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()

    await assert.rejects(startHost({ peer: other }), { code: 'INVALID_CONFIG' })
  })

  it('has neither addresses nor a libp2p before it runs', async () => {
    const host = libp2pClusterHost(
      { ...({} as ClusterHostInit), listen: [], announce: [], peer: '12D3KooWQYw5xt2Wfk1Q6Yw9kzBtK6LZLr2SPKW8Hqh8D9w2ZQ8V' },
      { clock: systemClock, log: silentLogger }
    )

    assert.deepEqual([host.addresses(), host.connectedPeers()], [[], []])
    assert.throws(() => host.libp2p(), { code: 'NOT_READY' })
  })
})

function peerIdOf (host: Libp2pClusterHost): ReturnType<Libp2pClusterHost['libp2p']>['peerId'] { return host.libp2p().peerId }
