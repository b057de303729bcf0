import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import type { Connection, Stream } from '@libp2p/interface'
import { libp2pGossip } from '../../src/network/host/gossip/gossip.ts'
import type { Libp2pGossip } from '../../src/network/host/gossip/gossip.ts'
import type { Libp2pClusterHost } from '../../src/network/host/host.ts'
import { decodeMetric } from '../../src/wire/metric.ts'
import { newHost } from '../support/cluster-hosts.ts'
import { gossipDeps, gossipInit } from '../support/gossip-init.ts'
import { pollUntil } from '../support/poll.ts'
import { goPeer, missing } from './go-peer.ts'
import type { GoPeer } from './go-peer.ts'

const secret = 'feed'.repeat(16)
const isGossip = ({ protocol }: Stream): boolean => protocol.startsWith('/meshsub/')

describe('gossip streams with a Go peer, on a living connection', {
  skip: missing('ipfs', 'ipfs-cluster-service'), timeout: 180_000
}, () => {
  let go: GoPeer
  let host: Libp2pClusterHost | undefined
  let gossip: Libp2pGossip
  let pings = 0
  const connections = (): Connection[] => host?.libp2p().getConnections() ?? []
  const streams = (direction: Stream['direction']): Stream[] =>
    connections().flatMap(({ streams }) => streams).filter(stream => isGossip(stream) && stream.direction === direction)
  const connection = (): string | undefined => connections()[0]?.id

  /** A Go peer sends its pings only to those of whom it knows that they listen: to be heard, both directions are needed. */
  const hearsGo = async (withinMs: number): Promise<number> => {
    const [from, before] = [performance.now(), pings]
    await pollUntil(() => pings > before + 1, { withinMs, what: 'pings of the Go peer' })
    return performance.now() - from
  }

  before(async () => {
    go = await goPeer(json => {
      Object.assign(json.cluster, { secret, monitor_ping_interval: '1s' })
      json.cluster.pubsub = { heartbeat_interval: '1s', d_factor: 4, history_gossip: 2, history_length: 6 }
      json.consensus.crdt.trusted_peers = ['*']
    })
    await go.start()
    const { addresses } = await (await fetch(`${go.url}/id`)).json() as { addresses: string[] }
    host = await newHost({ secret }, { services: async () => gossip.services() })
    gossip = libp2pGossip({ ...gossipInit(host.peer), heartbeatIntervalMs: 1000, silentAfterMs: 6000 }, gossipDeps())
    gossip.join(host)
    gossip.subscribe('monitor.metrics', ({ data }) => { if (decodeMetric(data).name === 'ping') pings++ })
    await host.start(new AbortController().signal)
    await host.libp2p().dial(multiaddr(addresses[0] ?? ''))
    await hearsGo(20_000)
  })
  after(async () => {
    await host?.stop()
    await go.remove()
  })

  it('ours are opened again', async () => {
    const id = connection()

    for (let round = 0; round < 6; round++) {
      for (const stream of streams('outbound')) stream.abort(new Error('only this stream'))
      await pollUntil(() => streams('outbound').length === 1, { withinMs: 15_000, what: 'our stream' })
      await hearsGo(15_000)
    }

    assert.deepEqual([connection(), streams('outbound').length, streams('inbound').length], [id, 1, 1])
  })

  it("its are opened again, as often as Go does it, and then with a new connection", async () => {
    const id = connection()

    for (let round = 0; round < 5; round++) {
      for (const stream of streams('inbound')) stream.abort(new Error('only this stream'))
      await hearsGo(60_000)
    }

    assert.notEqual(connection(), id)
    assert.deepEqual(gossip.health().silent, [])
  })
})
