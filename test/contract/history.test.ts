import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { historyClient, historyClientDefaults } from '../../src/network/history/client.ts'
import { historyServer, historyServerDefaults } from '../../src/network/history/server.ts'
import type { HistorySource } from '../../src/network/history.ts'
import type { PeerStreams } from '../../src/network/network.ts'
import { libp2pStreams } from '../../src/network/host/streams.ts'
import { connectHosts, newHost } from '../support/cluster-hosts.ts'
import { MemoryStreams } from '../support/memory-streams.ts'
import { historyContract } from './history.ts'

const nowhere = '12D3KooWQYw5xt2Wfk1Q6Yw9kzBtK6LZLr2SPKW8Hqh8D9w2ZQ8V'
const signal = new AbortController().signal
const clock = systemClock

const give = async (streams: PeerStreams, source: HistorySource) => {
  const server = historyServer(historyServerDefaults, { streams, source, clock, log: silentLogger })
  await server.start(signal)
  return server
}
const ask = (streams: PeerStreams) => historyClient(historyClientDefaults, { streams, onPeer: () => () => {}, clock })

historyContract('memory', async source => {
  const net = new MemoryStreams()
  const server = await give(net.of('giver'), source)
  net.of('stranger')
  return { asker: ask(net.of('asker')), giver: 'giver', stranger: 'stranger', nowhere, close: async () => server.stop() }
})

historyContract('libp2p', async source => {
  const hosts = [await newHost(), await newHost(), await newHost()] as const
  const [asker, giver] = hosts.map(host => libp2pStreams({ host, log: silentLogger })) as [PeerStreams, PeerStreams]
  const server = await give(giver, source)
  await Promise.all(hosts.map(async host => host.start(signal)))
  await connectHosts(hosts[0], hosts[1])
  await connectHosts(hosts[0], hosts[2])
  return {
    asker: ask(asker),
    giver: hosts[1].peer,
    stranger: hosts[2].peer,
    nowhere,
    close: async () => {
      await server.stop()
      await Promise.all(hosts.map(async host => host.stop()))
    }
  }
})
