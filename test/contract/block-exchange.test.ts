import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import type { CID } from '../../src/model/cid.ts'
import { bitswapExchange, exchangeDefaults } from '../../src/network/bitswap/exchange.ts'
import { libp2pStreams } from '../../src/network/host/streams.ts'
import type { PeerStreams } from '../../src/network/network.ts'
import { connectHosts, newHost } from '../support/cluster-hosts.ts'
import { MemoryStreams } from '../support/memory-streams.ts'
import { SeededRandom, SimClock } from '../support/sim-clock.ts'
import { SimGossip } from '../support/sim-gossip.ts'
import { blockExchangeContract } from './block-exchange.ts'
import type { ExchangeHarness, ExchangeMember } from './block-exchange.ts'

type Members = ExchangeHarness['members']

/** A store of blocks by CID text. */
function shelf (): { get: (cid: CID) => Uint8Array | undefined, store: (cid: CID, bytes: Uint8Array) => void } {
  const blocks = new Map<string, Uint8Array>()
  return { get: cid => blocks.get(cid.toString()), store: (cid, bytes) => { blocks.set(cid.toString(), bytes) } }
}

async function bitswapMember (
  peer: string, streams: PeerStreams, peers: () => string[]
): Promise<ExchangeMember & { stop: () => Promise<void> }> {
  const { get, store } = shelf()
  const exchange = bitswapExchange(
    { ...exchangeDefaults, patienceMs: 50 }, { streams, peers, onPeer: () => () => {}, blocks: get, clock: systemClock, log: silentLogger }
  )
  await exchange.start(new AbortController().signal)
  return { peer, exchange, store, stop: async () => exchange.stop() }
}

blockExchangeContract('simulated', async () => {
  const clock = new SimClock()
  const net = new SimGossip({ maxDelayMs: 10, loss: 0 }, { clock, random: new SeededRandom(1) })
  const members = ['one', 'two', 'three'].map(peer => {
    const { get, store } = shelf()
    return { peer, store, exchange: net.join(peer, get).exchange }
  }) as Members
  return {
    members,
    within: async promise => {
      let isSettled = false
      promise.then(() => { isSettled = true }, () => { isSettled = true })
      await clock.until(() => isSettled)
      return promise
    },
    close: async () => {}
  }
})

blockExchangeContract('bitswap in memory', async () => {
  const net = new MemoryStreams()
  const names = ['one', 'two', 'three']
  const members = await Promise.all(names.map(async peer => bitswapMember(peer, net.of(peer), () => names.filter(name => name !== peer))))
  return {
    members: members as unknown as Members, within: async promise => promise,
    close: async () => { await Promise.all(members.map(async member => member.stop())) }
  }
})

blockExchangeContract('bitswap over libp2p', async () => {
  const hosts = await Promise.all([newHost(), newHost(), newHost()])
  const members = await Promise.all(hosts.map(async host =>
    bitswapMember(host.peer, libp2pStreams({ host, log: silentLogger }), () => host.connectedPeers())))
  await Promise.all(hosts.map(async host => host.start(new AbortController().signal)))
  await Promise.all([connectHosts(hosts[0], hosts[1]), connectHosts(hosts[1], hosts[2]), connectHosts(hosts[2], hosts[0])])
  return {
    members: members as unknown as Members,
    within: async promise => promise,
    close: async () => {
      await Promise.all(members.map(async member => member.stop()))
      await Promise.all(hosts.map(async host => host.stop()))
    }
  }
})
