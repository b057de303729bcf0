import { libp2pGossip } from '../../src/network/host/gossip/gossip.ts'
import type { Libp2pGossip } from '../../src/network/host/gossip/gossip.ts'
import { connectHosts, newHost } from '../support/cluster-hosts.ts'
import { gossipDeps, gossipInit } from '../support/gossip-init.ts'
import { pollUntil } from '../support/poll.ts'
import { SeededRandom, SimClock } from '../support/sim-clock.ts'
import { SimGossip } from '../support/sim-gossip.ts'
import { broadcastContract } from './broadcast.ts'
import type { BroadcastHarness, BroadcastMember } from './broadcast.ts'

broadcastContract('simulated', async () => {
  const clock = new SimClock()
  const net = new SimGossip({ maxDelayMs: 10, loss: 0 }, { clock, random: new SeededRandom(1) })
  const members = ['one', 'two', 'three'].map(peer => ({
    peer, broadcast: net.join(peer, () => undefined).broadcast
  })) as BroadcastHarness['members']
  return {
    members, until: async condition => clock.until(condition), settle: async () => clock.advance(1000), start: async () => {},
    close: async () => {}
  }
})

broadcastContract('gossipsub', async () => {
  const gossips: Libp2pGossip[] = []
  const hosts = await Promise.all([0, 1, 2].map(async () => {
    const host = await newHost({}, { services: async () => gossip.services() })
    const gossip = libp2pGossip(gossipInit(host.peer), gossipDeps())
    gossip.join(host)
    gossips.push(gossip)
    return { host, gossip }
  }))
  const members = hosts.map(({ host, gossip }) => ({
    peer: host.peer, broadcast: gossip
  })) as unknown as [BroadcastMember, BroadcastMember, BroadcastMember]
  const [one, two, three] = hosts.map(({ host }) => host) as [typeof hosts[0]['host'], typeof hosts[0]['host'], typeof hosts[0]['host']]
  return {
    members,
    start: async () => {
      await Promise.all([one, two, three].map(async host => host.start(new AbortController().signal)))
      await connectHosts(one, two)
      await connectHosts(two, three)
      await connectHosts(three, one)
      await pollUntil(() => hosts.every(({ gossip }) => gossip.meshPeersIn('topic') === 2), { everyMs: 5 })
    },
    until: async condition => pollUntil(condition, { everyMs: 1 }),
    settle: async () => { await new Promise(resolve => setTimeout(resolve, 30)) },
    close: async () => { await Promise.all([one, two, three].map(async host => host.stop())) }
  }
})
