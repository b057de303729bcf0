import { silentLogger } from '../../src/base/log.ts'
import { libp2pStreams } from '../../src/network/host/streams.ts'
import { connectHosts, newHost } from '../support/cluster-hosts.ts'
import { MemoryStreams } from '../support/memory-streams.ts'
import { quickClock } from '../support/quick-clock.ts'
import { SeededRandom } from '../support/sim-clock.ts'
import { SimStreams } from '../support/sim-streams.ts'
import type { StreamPlace } from '../support/sim-streams.ts'
import { peerStreamsContract } from './peer-streams.ts'

const nowhere = '12D3KooWQYw5xt2Wfk1Q6Yw9kzBtK6LZLr2SPKW8Hqh8D9w2ZQ8V'

peerStreamsContract('memory', async () => {
  const net = new MemoryStreams()
  return { near: net.of('near'), far: net.of('far'), nearPeer: 'near', farPeer: 'far', nowhere, close: async () => {} }
})

peerStreamsContract('simulated', async () => {
  const places = new Map<string, StreamPlace>(['near', 'far'].map(peer => [peer, { peer, isGone: false }]))
  const net = new SimStreams({
    faults: () => ({ delayMs: 20, loss: 0.01 }), random: new SeededRandom(1), clock: quickClock(1000), reach: (_, to) => places.get(to),
    arrived: () => {}, missed: () => {}
  })
  const of = (peer: string) => net.of(places.get(peer) as StreamPlace)
  return {
    near: of('near'), far: of('far'), nearPeer: 'near', farPeer: 'far', nowhere,
    close: async () => { for (const place of places.values()) net.close(place) }
  }
})

peerStreamsContract('libp2p', async () => {
  const hosts = [await newHost(), await newHost()] as const
  const [near, far] = hosts.map(host => libp2pStreams({ host, log: silentLogger })) as [
    ReturnType<typeof libp2pStreams>, ReturnType<typeof libp2pStreams>
  ]
  await Promise.all(hosts.map(async host => host.start(new AbortController().signal)))
  await connectHosts(...hosts)
  return {
    near, far, nearPeer: hosts[0].peer, farPeer: hosts[1].peer, nowhere,
    close: async () => { await Promise.all(hosts.map(async host => host.stop())) }
  }
})
