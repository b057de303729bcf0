import { silentLogger } from '../../src/base/log.ts'
import { libp2pStreams } from '../../src/network/host/streams.ts'
import { connectHosts, newHost } from '../support/cluster-hosts.ts'
import { MemoryStreams } from '../support/memory-streams.ts'
import { peerStreamsContract } from './peer-streams.ts'

const nowhere = '12D3KooWQYw5xt2Wfk1Q6Yw9kzBtK6LZLr2SPKW8Hqh8D9w2ZQ8V'

peerStreamsContract('memory', async () => {
  const net = new MemoryStreams()
  return { near: net.of('near'), far: net.of('far'), nearPeer: 'near', farPeer: 'far', nowhere, close: async () => {} }
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
