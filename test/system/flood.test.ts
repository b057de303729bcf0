import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { CID } from '../../src/model/cid.ts'
import { rpcProtocol } from '../../src/model/peer.ts'
import { historyProtocol } from '../../src/wire/history.ts'
import { libp2pGossip, type Libp2pGossip } from '../../src/network/host/gossip/gossip.ts'
import type { Libp2pClusterHost } from '../../src/network/host/host.ts'
import { encodeBitswapFrame } from '../../src/wire/bitswap.ts'
import { crdtTopic, encodeHeads } from '../../src/wire/broadcast.ts'
import { create as multihash } from 'multiformats/hashes/digest'
import { residentMiB } from '../bench/peers.ts'
import { newHost } from '../support/cluster-hosts.ts'
import { gossipDeps, gossipInit } from '../support/gossip-init.ts'
import { peerProcess, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'

const secret = 'ab'.repeat(32)
const topic = crdtTopic('ipfs-cluster')
const bitswap = '/ipfs/bitswap/1.2.0'
/**
 * What one kind of flood may cost in so short a time: twice what was measured, or three times where that is little (the pins alone take
 * 20).
 */
const mostMiB = { gossip: 100, heads: 300, wants: 100, nonsense: 100 }

const identityCid = (text: string): string => {
  const bytes = Buffer.from(text)
  return `f015500${bytes.length.toString(16).padStart(2, '0')}${bytes.toString('hex')}`
}
/** CIDs of blocks that nobody has. */
const absentCids = (count: number): CID[] => Array.from({ length: count }, () => CID.createV1(0x70, multihash(0x12, randomBytes(32))))

function varint (value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}
const field = (number: number, bytes: Uint8Array): Buffer => Buffer.concat([Buffer.of(number * 8 + 2), varint(bytes.length), bytes])
const framed = (bytes: Uint8Array): Buffer => Buffer.concat([varint(bytes.length), bytes])

/** Subscriptions to a thousand topics that nobody has, and a message of half a megabyte that nobody signed. */
const gossipFrame = (): Buffer => framed(Buffer.concat([
  ...Array.from({ length: 1000 }, () => field(1, Buffer.concat([Buffer.of(8, 1), field(2, Buffer.from(randomBytes(16).toString('hex')))]))),
  field(2, Buffer.concat([field(2, randomBytes(500_000)), field(4, Buffer.from(topic))]))
]))
const wantsFrame = (): Uint8Array =>
  encodeBitswapFrame({ wants: absentCids(2000).map(cid => ({ cid: cid.bytes, type: 'block', cancel: false })) })

/** How long each flood goes on; FLOOD_SECONDS for a longer look, and FLOOD_FIGURES prints what it cost. */
const floodMs = Number(process.env.FLOOD_SECONDS ?? '1.5') * 1000

/** A pin under a flood; one that waits for a dead fetch takes longer. */
const slowestMostMs = (): number => quietMs(5000)

describe('a hostile peer inside the secret', () => {
  const peers: PeerProcess[] = []
  let hostile: Libp2pClusterHost
  let gossip: Libp2pGossip
  let address = ''
  let pins = 0
  const at = (index: number): PeerProcess => peers[index] as PeerProcess
  const idOf = async (index: number): Promise<any> => (await fetch(`${at(index).url}/id`)).json()

  before(async () => {
    for (let index = 0; index < 2; index++) {
      peers.push(await peerProcess(json => {
        Object.assign(json.cluster, { secret, monitor_ping_interval: '2s' })
        Object.assign(json.consensus.crdt, { trusted_peers: ['*'], rebroadcast_interval: '2s' })
      }))
      await at(index).start(address === '' ? [] : ['--bootstrap', address])
      await pollUntil(async () => ((await idOf(index)).addresses?.length ?? 0) > 0, { what: 'an address' })
      if (address === '') address = (await idOf(0)).addresses[0]
    }
    hostile = await newHost({ secret }, { services: async () => gossip.services() })
    gossip = libp2pGossip(gossipInit(hostile.peer), gossipDeps())
    gossip.join(hostile)
    gossip.subscribe(topic, () => {})
    await hostile.start(new AbortController().signal)
    await hostile.libp2p().dial(multiaddr(address))
    await pollUntil(() => gossip.meshPeersIn(topic) > 0, { what: 'the attacked in the mesh' })
    await visible()
  })
  after(async () => {
    await hostile.stop()
    await Promise.all(peers.map(async peer => peer.remove()))
  })

  /** Pins at the attacked and waits until the other knows it; milliseconds. */
  async function visible (): Promise<number> {
    const cid = identityCid(`flood-${pins++}`)
    const from = performance.now()
    const response = await fetch(`${at(0).url}/pins/${cid}`, { method: 'POST' })
    assert.equal(response.status, 200)
    await pollUntil(
      async () => (await fetch(`${at(1).url}/allocations/${cid}`)).status === 200, { everyMs: 5, what: 'the pin at the other' }
    )
    return performance.now() - from
  }

  /** Floods while pins go on, until it has had its effect: a busy machine needs longer to send so much. What that cost. */
  async function underFlood (
    flood: (isOver: () => boolean) => Promise<void>, isSeen: () => boolean = () => true
  ): Promise<{ extraMiB: number, slowestMs: number }> {
    const before = await residentMiB([at(0).pid()])
    const from = performance.now()
    const end = performance.now() + floodMs
    const perSecond: number[] = []
    const isOver = (): boolean => performance.now() > end && (isSeen() || performance.now() > end + 30_000)
    let most = 0
    let slowestMs = 0
    const flooding = flood(isOver)
    while (!isOver()) {
      slowestMs = Math.max(slowestMs, await visible())
      const extra = await residentMiB([at(0).pid()]) - before
      most = Math.max(most, extra)
      const second = Math.floor((performance.now() - from) / 1000)
      perSecond[second] = Math.max(perSecond[second] ?? 0, Math.round(extra))
    }
    await flooding
    if (process.env.FLOOD_FIGURES != null) {
      console.log(`${Math.round(most)} MiB more, slowest pin ${Math.round(slowestMs)} ms; most in each second: ${perSecond.join(' ')}`)
    }
    return { extraMiB: most, slowestMs }
  }

  async function pour (protocol: string, frame: () => Uint8Array, isOver: () => boolean): Promise<void> {
    const open = async (): Promise<Stream> => hostile.libp2p().dialProtocol(multiaddr(address), protocol)
    let stream = await open()
    while (!isOver()) {
      if (stream.status !== 'open') stream = await open()
      // only what the other side takes: the flood must not fill our own memory
      if (!stream.writableNeedsDrain) stream.send(frame())
      await new Promise(resolve => setImmediate(resolve))
    }
    stream.abort(new Error('enough'))
  }

  const linesAbout = (what: string): string[] => at(0).log().split('\n').filter(line => line.includes(what) && line.includes(hostile.peer))

  it('that floods topics is slowed down and named, and the others don\'t notice', async () => {
    const frames = Array.from({ length: 8 }, gossipFrame)
    let next = 0

    const { extraMiB, slowestMs } = await underFlood(
      async isOver => pour('/meshsub/1.1.0', () => frames[next++ % 8] as Uint8Array, isOver), () => linesAbout('is slowed down').length > 0
    )

    assert.ok(extraMiB < mostMiB.gossip, `${extraMiB} MiB more`)
    assert.ok(slowestMs < slowestMostMs(), `a pin took ${slowestMs} ms`)
    assert.equal(linesAbout('is slowed down').length, 1)
  })

  it('that announces heads which nobody has is named, and the others don\'t notice', async () => {
    const { extraMiB, slowestMs } = await underFlood(async isOver => {
      while (!isOver()) {
        await gossip.publish(topic, encodeHeads(absentCids(5000)))
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    })

    assert.ok(extraMiB < mostMiB.heads, `${extraMiB} MiB more`)
    assert.ok(slowestMs < slowestMostMs(), `a pin took ${slowestMs} ms`)
    assert.equal(linesAbout('announces more heads').length, 1)
  })

  for (const [what, treat] of [
    ['resets the answers', answers => answers.abort(new Error('no'))],
    ['reads no answer', answers => { answers.pause() }]
  ] as ReadonlyArray<[string, (answers: Stream) => void]>) {
    it(`that wants blocks without end and ${what} is named once, and the others don't notice`, async () => {
      const frames = Array.from({ length: 16 }, wantsFrame)
      await hostile.libp2p().handle(bitswap, treat, { force: true })
      let next = 0

      const { extraMiB, slowestMs } = await underFlood(async isOver => pour(bitswap, () => frames[next++ % 16] as Uint8Array, isOver))

      assert.ok(extraMiB < mostMiB.wants, `${extraMiB} MiB more`)
      assert.ok(slowestMs < slowestMostMs(), `a pin took ${slowestMs} ms`)
      if (floodMs < 10_000) assert.equal(linesAbout('wants more blocks').length, 1)
    })
  }

  it('that sends nonsense on every protocol is named once for each, and the others don\'t notice', async () => {
    const nonsense = randomBytes(4096).fill(0xc1, 0, 8)
    const { extraMiB, slowestMs } = await underFlood(async isOver => {
      while (!isOver()) {
        for (const protocol of [rpcProtocol, historyProtocol, bitswap]) {
          const stream = await hostile.libp2p().dialProtocol(multiaddr(address), protocol)
          stream.send(nonsense)
          await stream.close().catch(() => {}) // refused already
        }
      }
    })

    assert.ok(extraMiB < mostMiB.nonsense, `${extraMiB} MiB more`)
    assert.ok(slowestMs < slowestMostMs(), `a pin took ${slowestMs} ms`)
    assert.deepEqual(
      ['a call from another peer failed', 'the history was not sent', 'bitswap stream was refused'].map(what => linesAbout(what).length),
      [1, 1, 1]
    )
  })

  it('leaves nothing behind: both know the same pins', async () => {
    await visible()

    const counts = await Promise.all(
      [0, 1].map(async index => (await (await fetch(`${at(index).url}/allocations`)).text()).trim().split('\n').length)
    )
    assert.deepEqual(counts, [pins, pins])
  })
})
