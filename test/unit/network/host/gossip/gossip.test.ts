import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { libp2pGossip } from '../../../../../src/network/host/gossip/gossip.ts'
import type { Libp2pGossip } from '../../../../../src/network/host/gossip/gossip.ts'
import type { Libp2pClusterHost } from '../../../../../src/network/host/host.ts'
import { connectHosts, newHost } from '../../../../support/cluster-hosts.ts'
import { gossipDeps, gossipInit } from '../../../../support/gossip-init.ts'
import { pollUntil } from '../../../../support/poll.ts'

interface Member { host: Libp2pClusterHost, gossip: Libp2pGossip, heard: string[] }

const members: Member[] = []
const data = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A peer that listens to `topic`. */
async function member (accept?: (from: string) => boolean): Promise<Member> {
  const heard: string[] = []
  const host = await newHost({}, { services: async () => gossip.services() })
  const gossip = libp2pGossip(gossipInit(host.peer), gossipDeps())
  gossip.join(host)
  gossip.subscribe('topic', message => { heard.push(Buffer.from(message.data).toString()) }, accept)
  await host.start(new AbortController().signal)
  members.push({ host, gossip, heard })
  return { host, gossip, heard }
}

/** A chain of members: only neighbours are connected. */
async function chain (...all: Member[]): Promise<void> {
  for (const [at, { host }] of all.entries()) {
    const next = all[at + 1]
    if (next != null) await connectHosts(host, next.host)
  }
  await pollUntil(
    () => all.every(({ gossip }, at) => gossip.meshPeersIn('topic') === (at === 0 || at === all.length - 1 ? 1 : 2)), { everyMs: 5 }
  )
}

describe('gossip over libp2p', () => {
  afterEach(async () => { await Promise.all(members.splice(0).map(async ({ host }) => host.stop())) })

  it('reaches peers through others', async () => {
    const [one, two, three] = [await member(), await member(), await member()]
    await chain(one, two, three)

    await one.gossip.publish('topic', data('far away'))

    await pollUntil(() => three.heard.length === 1, { everyMs: 1 })
    assert.deepEqual([one.heard, two.heard], [[], ['far away']])
  })

  it('does not pass on what is not accepted', async () => {
    const [one, three] = [await member(), await member()]
    const two = await member(from => from !== one.host.peer)
    await chain(one, two, three)

    await one.gossip.publish('topic', data('untrusted'))
    await two.gossip.publish('topic', data('trusted'))

    await pollUntil(() => three.heard.length > 0, { everyMs: 1 })
    assert.deepEqual([two.heard, three.heard], [[], ['trusted']])
  })

  it('tells who begins to listen, once a message reaches it', async () => {
    const [one, two] = [await member(), await member()]
    const [told, elsewhere]: [Array<[string, number]>, string[]] = [[], []]
    one.gossip.onListener?.('topic', (peer, listeners) => {
      told.push([peer, listeners])
      one.gossip.publish('topic', data('welcome')).catch(() => {})
    })
    one.gossip.onListener?.('other', peer => elsewhere.push(peer))
    const end = one.gossip.onListener?.('topic', peer => elsewhere.push(peer))
    end?.()

    await connectHosts(two.host, one.host)

    await pollUntil(() => two.heard.length > 0, { everyMs: 1 })
    assert.deepEqual([told, two.heard, elsewhere], [[[two.host.peer, 1]], ['welcome'], []])
  })

  it('offers the protocols of Go and gives messages Go\'s IDs', async () => {
    const { host } = await member()
    const { msgIdFn } = (host.libp2p().services as unknown as { pubsub: { msgIdFn: (message: object) => Uint8Array } }).pubsub

    const id = msgIdFn({ type: 'signed', from: host.libp2p().peerId, sequenceNumber: 258n })

    const protocols = host.libp2p().getProtocols()
    for (const protocol of ['/meshsub/1.2.0', '/meshsub/1.1.0', '/meshsub/1.0.0', '/floodsub/1.0.0']) {
      assert.ok(protocols.includes(protocol), protocol)
    }
    assert.equal(
      Buffer.from(id).toString('hex'),
      Buffer.from(host.libp2p().peerId.toMultihash().bytes.subarray(0, 16)).toString('hex') + '0000000000000102'
    )
  })

  it('survives malformed frames and huge lengths, and still hears the others', async () => {
    const [one, two] = [await member(), await member()]
    const hostile = await newHost()
    await hostile.start(new AbortController().signal)
    await chain(one, two)

    for (const frame of [
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 1), Uint8Array.of(3, 0x12, 0xff, 0x7f), new Uint8Array(100_000).fill(0xff)
    ]) {
      const stream = await hostile.libp2p().dialProtocol(multiaddr(two.host.addresses()[0] ?? ''), '/meshsub/1.1.0')
      stream.send(frame)
    }
    await one.gossip.publish('topic', data('still here'))

    await pollUntil(() => two.heard.length === 1, { everyMs: 1 })
    assert.deepEqual(two.heard, ['still here'])
    await hostile.stop()
  })

  it('reads frames of a megabyte, and nothing of one that says that it has a byte more', async () => {
    const two = await member()
    const { pubsub } = two.host.libp2p().services as unknown as { pubsub: {
      getSubscribers (topic: string): unknown[], opts: { maxOutboundBufferSize: number }
    } }
    const address = multiaddr(two.host.addresses()[0] ?? '')
    const most = 1024 * 1024
    // a subscription, and a field that nobody knows
    const frame = (topic: string, sizeBytes: number): Uint8Array => {
      const subscription = Buffer.concat([Buffer.of(0x0a, topic.length + 4, 0x08, 1, 0x12, topic.length), data(topic)])
      const restBytes = sizeBytes - subscription.length - 4
      const rpc = Buffer.concat([subscription, Buffer.of(15 * 8 + 2), varint(restBytes), Buffer.alloc(restBytes)])
      assert.equal(rpc.length, sizeBytes)
      return Buffer.concat([varint(sizeBytes), rpc])
    }
    const say = async (...frames: Uint8Array[]): Promise<void> => {
      const { host } = await member()
      await connectHosts(host, two.host)
      const stream = await host.libp2p().dialProtocol(address, '/meshsub/1.1.0')
      for (const bytes of frames) stream.send(bytes)
    }

    for (const topic of ['most', 'last', 'more', 'after']) two.gossip.subscribe(topic, () => {})
    await say(frame('more', most + 1), frame('after', 20_000))
    await say(frame('most', most), frame('last', 20_000))
    await pollUntil(() => pubsub.getSubscribers('last').length === 1, { everyMs: 1 })

    assert.deepEqual(['most', 'more', 'after'].map(topic => pubsub.getSubscribers(topic).length), [1, 0, 0])
    assert.equal(pubsub.opts.maxOutboundBufferSize, 8 * 1024 * 1024)
  })

  it('slows down who floods it, in bounded memory', async () => {
    const two = await member()
    const hostile = await newHost()
    await hostile.start(new AbortController().signal)
    const stream = await hostile.libp2p().dialProtocol(multiaddr(two.host.addresses()[0] ?? ''), '/meshsub/1.1.0')
    const frame = floodFrame()
    let sent = 0

    while (sent < 64 * 1024 * 1024 && !stream.writableNeedsDrain) {
      stream.send(frame)
      sent += frame.length
      await new Promise(resolve => setImmediate(resolve))
    }

    assert.ok(stream.writableNeedsDrain, 'the flood was taken whole')
    assert.ok(sent < 24 * 1024 * 1024, `${sent} bytes were taken`)
    await hostile.stop()
  })
})

/** An unsigned message of a megabyte to the topic, with its length in front. */
function floodFrame (): Uint8Array {
  const body = Buffer.alloc(1000 * 1000, 7)
  const field = (number: number, bytes: Uint8Array): Buffer => Buffer.concat([Buffer.of(number * 8 + 2), varint(bytes.length), bytes])
  const rpc = field(2, Buffer.concat([field(2, body), field(4, data('topic'))]))
  return Buffer.concat([varint(rpc.length), rpc])
}

function varint (value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}
