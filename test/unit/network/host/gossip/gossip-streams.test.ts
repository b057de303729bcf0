import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { Connection, Stream } from '@libp2p/interface'
import { systemClock } from '../../../../../src/base/system.ts'
import type { Clock } from '../../../../../src/base/clock.ts'
import { libp2pGossip } from '../../../../../src/network/host/gossip/gossip.ts'
import type { GossipInit, Libp2pGossip } from '../../../../../src/network/host/gossip/gossip.ts'
import type { Libp2pClusterHost } from '../../../../../src/network/host/host.ts'
import { connectHosts, newHost } from '../../../../support/cluster-hosts.ts'
import { gossipDeps, gossipInit } from '../../../../support/gossip-init.ts'
import { pollUntil, quietMs } from '../../../../support/poll.ts'
import { quickClock } from '../../../../support/quick-clock.ts'

interface Member { host: Libp2pClusterHost, gossip: Libp2pGossip, heard: Set<string> }

const members: Member[] = []
const isGossip = ({ protocol }: Stream): boolean => protocol.startsWith('/meshsub/')
const connectionsOf = ({ host }: Member): Connection[] => host.libp2p().getConnections()
const streamsOf = (member: Member): Stream[] => connectionsOf(member).flatMap(({ streams }) => streams).filter(isGossip)

async function member (
  { clock = systemClock, prepare = () => {}, ...init }: Partial<GossipInit> & {
    clock?: Clock, prepare?: (host: Libp2pClusterHost) => void
  } = {}
): Promise<Member> {
  const heard = new Set<string>()
  const host = await newHost({}, { services: async () => gossip.services() })
  const gossip = libp2pGossip({ ...gossipInit(host.peer), ...init }, gossipDeps(clock))
  gossip.join(host)
  gossip.subscribe('topic', message => { heard.add(Buffer.from(message.data).toString()) })
  prepare(host)
  await host.start(new AbortController().signal)
  // peers that push what has changed are told of to gossipsub as if they were new: within the first seconds that would help by accident
  await host.libp2p().unhandle('/ipfs/id/push/1.0.0')
  const one = { host, gossip, heard }
  members.push(one)
  return one
}

/** Messages go both ways within seconds; those that were sent while there was no way are lost. */
async function hearEachOther (one: Member, two: Member, label: string): Promise<void> {
  let count = 0
  const got = ({ heard }: Member): boolean => [...heard].some(text => text.startsWith(label))
  await pollUntil(async () => {
    count++
    await Promise.all([one, two].map(async ({ gossip }) => gossip.publish('topic', Buffer.from(`${label} ${count}`))))
    return got(one) && got(two)
  }, { everyMs: 20, withinMs: 8000, what: `hearing each other ${label}` })
}

async function pair (init: Parameters<typeof member>[0] = {}): Promise<[Member, Member]> {
  const [one, two] = [await member(init), await member(init)]
  await connectHosts(one.host, two.host)
  await hearEachOther(one, two, 'before')
  return [one, two]
}

describe('gossip streams on a living connection', { timeout: quietMs(60_000) }, () => {
  afterEach(async () => { await Promise.all(members.splice(0).map(async ({ host }) => host.stop())) })

  const endings: Record<string, (stream: Stream) => unknown> = {
    reset: stream => stream.abort(new Error('only this stream')),
    'closed properly': async stream => stream.close()
  }
  for (const [ending, end] of Object.entries(endings)) {
    for (const direction of ['outbound', 'inbound', 'both'] as const) {
      it(`are opened again after being ${ending}: ${direction}`, async () => {
        const [one, two] = await pair()
        const connections = connectionsOf(one).map(({ id }) => id)

        await Promise.all(streamsOf(one).filter(stream => direction === 'both' || stream.direction === direction).map(end))

        await hearEachOther(one, two, 'after')
        assert.deepEqual(connectionsOf(one).map(({ id }) => id), connections)
      })
    }
  }

  it('are opened again as often as they end, and none are left over', async () => {
    const [one, two] = await pair()

    for (let round = 0; round < 4; round++) {
      for (const stream of streamsOf(round % 2 === 0 ? one : two)) stream.abort(new Error('again'))
      await hearEachOther(one, two, `round ${round}`)
    }

    await pollUntil(() => [one, two].every(peer => streamsOf(peer).length === 2), { what: 'one stream for each direction' })
    assert.ok(one.gossip.health().reopened > 0)
  })

  it('tell of a listener again, as it may have missed something', async () => {
    const [one, two] = await pair()
    const told: string[] = []
    one.gossip.onListener?.('topic', peer => { told.push(peer) })

    for (const stream of streamsOf(one)) if (stream.direction === 'outbound') stream.abort(new Error('only this stream'))

    await pollUntil(() => told.includes(two.host.peer), { what: 'the listener' })
  })

  it('are opened when the first attempts failed on both sides', async () => {
    let failures = 0
    const prepare = (host: Libp2pClusterHost): void => host.attach(libp2p => {
      libp2p.addEventListener('connection:open', ({ detail: connection }) => {
        const { newStream } = connection
        connection.newStream = async (protocols, options) => {
          if ([protocols].flat().some(protocol => protocol.startsWith('/meshsub/')) && failures++ < 8) throw new Error('too slow')
          return newStream(protocols, options)
        }
      })
    })
    const [one, two] = [await member({ prepare }), await member({ prepare })]

    await connectHosts(one.host, two.host)

    await hearEachOther(one, two, 'in spite of it')
  })

  it('do not wait for a peer that never answers the opening', async () => {
    const prepare = (host: Libp2pClusterHost): void => host.attach(libp2p => {
      libp2p.addEventListener('connection:open', ({ detail: connection }) => {
        if (connection.remotePeer.toString() === deaf.host.peer) connection.newStream = async () => new Promise(() => {})
      })
    })
    const deaf = await member()
    const [one, two] = [await member({ prepare }), await member()]
    await connectHosts(one.host, deaf.host)
    await pollUntil(() => connectionsOf(one).length > 0)

    await connectHosts(one.host, two.host)

    await hearEachOther(one, two, 'next to it')
  })

  it('are opened again when they take nothing', async () => {
    const [one, two] = await pair({ clock: quickClock(20) })
    for (const stream of streamsOf(two)) if (stream.direction === 'inbound') stream.pause()
    const stuck = streamsOf(one).filter(({ direction }) => direction === 'outbound')

    for (let count = 0; count < 10; count++) await one.gossip.publish('topic', Buffer.alloc(100_000, count))

    await pollUntil(() => stuck.every(({ status }) => status !== 'open'), { what: 'the end of the stalled stream' })
    await hearEachOther(one, two, 'after')
  })

  it('do not end while a peer takes slowly', async () => {
    const [one, two] = await pair({ clock: quickClock(20) })
    const inbound = streamsOf(two).filter(({ direction }) => direction === 'inbound')
    const streams = streamsOf(one)
    let isReading = false
    const slowly = setInterval(() => {
      for (const stream of inbound) stream[isReading ? 'pause' : 'resume']()
      isReading = !isReading
    }, 50)

    for (let count = 0; count < 30; count++) {
      await one.gossip.publish('topic', Buffer.concat([Buffer.from(`slow ${count} `), Buffer.alloc(100_000, count)]))
    }
    await pollUntil(() => [...two.heard].filter(text => text.startsWith('slow')).length === 30)
    clearInterval(slowly)

    assert.deepEqual(streams.map(({ status }) => status), ['open', 'open'])
  })

  it('and connections are renewed when a connected member says nothing', async () => {
    let isDumb = false
    const prepare = (host: Libp2pClusterHost): void => host.attach(libp2p => {
      libp2p.addEventListener('connection:open', ({ detail: connection }) => {
        const { newStream } = connection
        connection.newStream = async (protocols, options) => {
          if (isDumb && [protocols].flat().some(protocol => protocol.startsWith('/meshsub/'))) throw new Error('dumb')
          return newStream(protocols, options)
        }
      })
    })
    const one = await member({ clock: quickClock(20), silentAfterMs: 6000 })
    const two = await member({ prepare })
    await connectHosts(one.host, two.host)
    await hearEachOther(one, two, 'before')
    const connections = connectionsOf(one).map(({ id }) => id)

    isDumb = true
    for (const stream of streamsOf(two)) if (stream.direction === 'outbound') stream.abort(new Error('dumb'))

    await pollUntil(() => one.gossip.health().silent.includes(two.host.peer), { what: 'silence' })
    assert.equal(one.gossip.health().heard, 0)
    await pollUntil(() => connectionsOf(one).some(({ id }) => !connections.includes(id)), { what: 'a new connection' })
    isDumb = false
    await hearEachOther(one, two, 'after')
    assert.deepEqual(one.gossip.health().silent, [])
  })

  it('are not asked for from who does not speak gossip, and it is not called silent', async () => {
    const one = await member({ clock: quickClock(20), silentAfterMs: 2000 })
    const stranger = await newHost()
    await stranger.start(new AbortController().signal)

    await connectHosts(one.host, stranger)

    let passes = 0
    await pollUntil(() => ++passes > 30)
    assert.deepEqual(one.gossip.health(), { silent: [], heard: 0, reopened: 0 })
    await stranger.stop()
  })
})
