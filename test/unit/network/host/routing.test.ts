import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Libp2pClusterHost } from '../../../../src/network/host/host.ts'
import { dualDht } from '../../../../src/network/host/routing.ts'
import { connectHosts, newHost } from '../../../support/cluster-hosts.ts'
import { pollUntil } from '../../../support/poll.ts'

const hosts: Libp2pClusterHost[] = []

describe('the DHT of the cluster hosts', () => {
  afterEach(async () => { await Promise.all(hosts.splice(0).map(async host => host.stop())) })

  it('finds the address of a peer that only a third one knows', async () => {
    for (let n = 0; n < 3; n++) hosts.push(await newHost({}, { services: dualDht }))
    const [first, middle, last] = hosts as [Libp2pClusterHost, Libp2pClusterHost, Libp2pClusterHost]
    for (const host of hosts) await host.start(new AbortController().signal)
    await connectHosts(last, middle)
    await connectHosts(first, middle)
    assert.deepEqual(first.addressesOf(last.peer), [])

    await pollUntil(async () => first.libp2p().peerRouting.findPeer(peerIdFromString(last.peer)).then(() => true, () => false))
    await first.libp2p().dial(peerIdFromString(last.peer))

    assert.ok(first.connectedPeers().includes(last.peer))
  })
})
