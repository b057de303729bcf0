import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { CID } from '../../../../src/model/cid.ts'
import { bitswapExchange, bitswapProtocol, exchangeDefaults } from '../../../../src/network/bitswap/exchange.ts'
import type { BitswapExchange } from '../../../../src/network/bitswap/exchange.ts'
import type { PeerStream, PeerStreams } from '../../../../src/network/network.ts'
import { decodeBitswapMessage, encodeBitswapFrame } from '../../../../src/wire/bitswap.ts'
import type { BitswapMessage } from '../../../../src/wire/bitswap.ts'
import { FrameReader } from '../../../../src/base/frame-reader.ts'
import { blockOf } from '../../../contract/block-exchange.ts'
import { MemoryStreams } from '../../../support/memory-streams.ts'
import { NotedLogger } from '../../../support/noted-logger.ts'
import { SimClock } from '../../../support/sim-clock.ts'

/** A peer that speaks bitswap by hand. */
class ByHand {
  readonly messages: BitswapMessage[] = []
  readonly streams: PeerStream[] = []
  isReading = true
  goOn = (): void => {}
  readonly #streams: PeerStreams
  #out: PeerStream | undefined

  constructor (streams: PeerStreams) {
    this.#streams = streams
    streams.handle(bitswapProtocol, stream => { this.#read(stream).catch(err => { if (!stream.wasReset.aborted) throw err }) })
  }

  async say (bytes: Uint8Array): Promise<PeerStream> {
    this.#out ??= await this.#streams.open('self', bitswapProtocol)
    await this.#out.write(bytes)
    return this.#out
  }

  wants (): string[] {
    return this.messages.flatMap(({ wantlist }) => wantlist?.entries ?? []).map(
      ({ cancel, wantType }) => cancel === true ? 'cancel' : wantType ?? 'WantBlock'
    )
  }
  blocks (): Uint8Array[] { return this.messages.flatMap(({ blocks }) => blocks).map(({ data }) => data) }
  presences (): string[] { return this.messages.flatMap(({ blockPresences }) => blockPresences).map(({ type }) => type) }

  async #read (stream: PeerStream): Promise<void> {
    this.streams.push(stream)
    if (!this.isReading) {
      await new Promise<void>(resolve => { this.goOn = resolve })
      this.isReading = true
    }
    const frames = new FrameReader(8 * 1024 * 1024)
    for await (const chunk of stream.source) for (const frame of frames.push(chunk)) this.messages.push(decodeBitswapMessage(frame))
  }
}

/** Lets promises run. */
async function turns (count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve))
}

async function turnsUntil (condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000; turn++) {
    if (condition()) return
    await turns(1)
  }
  throw new Error('the condition does not hold')
}

describe('bitswap exchange', () => {
  let clock: SimClock
  let net: MemoryStreams
  let peers: string[]
  let comeOrGo: (peer: string, isHere: boolean) => void
  let blocks: Map<string, Uint8Array>
  let exchange: BitswapExchange
  let log: NotedLogger
  let lookUps: number
  const never = { signal: new AbortController().signal }
  const store = ({ cid, bytes }: { cid: CID, bytes: Uint8Array }): void => { blocks.set(cid.toString(), bytes) }

  beforeEach(async () => {
    clock = new SimClock()
    net = new MemoryStreams()
    peers = []
    blocks = new Map()
    log = new NotedLogger()
    lookUps = 0
    exchange = bitswapExchange(exchangeDefaults, {
      streams: net.of('self'),
      peers: () => peers,
      onPeer: listener => {
        comeOrGo = listener
        return () => {}
      },
      blocks: cid => {
        lookUps++
        return blocks.get(cid.toString())
      },
      clock,
      log
    })
    await exchange.start(new AbortController().signal)
  })
  afterEach(async () => exchange.stop())

  const byHand = (name: string): ByHand => {
    peers.push(name)
    return new ByHand(net.of(name))
  }

  it('asks a connected peer again within seconds when a stream to it was reset, and not all the time', async () => {
    const only = byHand('only')
    const block = blockOf('wanted')
    const fetching = exchange.fetch(block.cid, { ...never, from: 'only' })
    await clock.advance(1000)
    assert.deepEqual(only.wants(), ['WantBlock'])

    for (let round = 1; round <= 3; round++) {
      only.streams.at(-1)?.abort(new Error('only this stream'))
      await clock.advance(2000)
      assert.deepEqual(only.wants(), Array.from({ length: round + 1 }, () => 'WantBlock'))
    }

    await only.say(encodeBitswapFrame({ blocks: [{ prefix: Uint8Array.of(1, 0x70, 0x12, 32), data: block.bytes }] }))
    await clock.advance(2000)
    assert.deepEqual(Buffer.from(await fetching), Buffer.from(block.bytes))
  })

  it('asks a connected peer again within seconds when the stream of its answers was reset', async () => {
    const only = byHand('only')
    const block = blockOf('wanted')
    const fetching = exchange.fetch(block.cid, { ...never, from: 'only' })
    await clock.advance(1000)
    const answers = await only.say(encodeBitswapFrame({ presences: [] }))

    answers.abort(new Error('only this stream'))
    await clock.advance(2000)

    assert.deepEqual(only.wants(), ['WantBlock', 'WantBlock'])
    fetching.catch(() => {})
  })

  it('does not ask a peer again that is gone', async () => {
    const only = byHand('only')
    const fetching = exchange.fetch(blockOf('wanted').cid, { ...never, from: 'only' })
    await clock.advance(1000)

    only.streams.at(-1)?.abort(new Error('gone'))
    peers.splice(0)
    comeOrGo('only', false)
    await clock.advance(10_000)

    assert.deepEqual(only.wants(), ['WantBlock'])
    fetching.catch(() => {})
  })

  it('gives up a stream that is never opened, and asks others', async () => {
    const own = net.of('self')
    const other = byHand('other')
    peers.push('never')
    const patient = bitswapExchange({ ...exchangeDefaults, patienceMs: 600_000, renewMs: 600_000 }, {
      streams: {
        ...own,
        open: async (peer, protocol, options) => peer !== 'never'
          ? own.open(peer, protocol)
          : new Promise((_resolve, reject) => options?.signal?.addEventListener('abort', () => reject(options.signal?.reason as Error)))
      },
      peers: () => ['never', 'other'],
      onPeer: () => () => {},
      blocks: () => undefined,
      clock,
      log
    })
    const fetching = patient.fetch(blockOf('wanted').cid, { ...never, from: 'never' })

    await clock.advance(exchangeDefaults.stallMs + 1)

    assert.ok(other.wants().includes('WantHave'))
    fetching.catch(() => {})
    await patient.stop()
  })

  it('asks the announcer alone, and others only once it has had its time', async () => {
    const [announcer, other] = [byHand('announcer'), byHand('other')]
    const block = blockOf('wanted')
    const fetching = exchange.fetch(block.cid, { ...never, from: 'announcer' })

    await clock.advance(exchangeDefaults.patienceMs - 1)
    const before = [announcer.wants(), other.wants()]
    await clock.advance(2)
    const after = [announcer.wants(), other.wants()]
    await other.say(encodeBitswapFrame({ presences: [{ cid: block.cid.bytes, has: true }] }))
    await clock.settle()
    await other.say(encodeBitswapFrame({ blocks: [{ prefix: Uint8Array.of(1, 0x70, 0x12, 32), data: block.bytes }] }))

    assert.deepEqual(before, [['WantBlock'], []])
    assert.deepEqual(after, [['WantBlock'], ['WantHave']])
    assert.deepEqual(Buffer.from(await fetching), Buffer.from(block.bytes))
    await clock.settle()
    assert.deepEqual([announcer.wants().at(-1), other.wants().at(-1)], ['cancel', 'WantBlock'])
  })

  it('goes on at once when the announcer says no, is gone or does not speak bitswap', async () => {
    const [announcer, other] = [byHand('announcer'), byHand('other')]
    const [refused, left, mute] = [blockOf('refused'), blockOf('left'), blockOf('mute')]
    for (const [block, from] of [[refused, 'announcer'], [left, 'announcer'], [mute, 'nobody']] as const) {
      exchange.fetch(block.cid, { ...never, from }).catch(() => {})
    }
    await clock.settle()

    await announcer.say(encodeBitswapFrame({ presences: [{ cid: refused.cid.bytes, has: false }] }))
    await clock.settle()
    const afterRefusal = other.wants().length
    comeOrGo('announcer', false)
    await clock.settle()

    assert.equal(afterRefusal, 2)
    assert.deepEqual(other.wants(), ['WantHave', 'WantHave', 'WantHave'])
  })

  it('asks who comes later, and everybody again after a while', async () => {
    const early = byHand('early')
    const block = blockOf('nobody has it')
    exchange.fetch(block.cid, never).catch(() => {})
    await clock.settle()

    const late = byHand('late')
    comeOrGo('late', true)
    await clock.settle()
    const first = [early.wants(), late.wants()]
    await clock.advance(exchangeDefaults.renewMs)

    assert.deepEqual(first, [['WantHave'], ['WantHave']])
    assert.deepEqual([early.wants(), late.wants()], [['WantHave', 'WantHave'], ['WantHave', 'WantHave']])
  })

  it('passes over blocks that nobody asked for and wrong bytes', async () => {
    const liar = byHand('liar')
    const [block, other] = [blockOf('true'), blockOf('false')]
    const fetching = exchange.fetch(block.cid, { ...never, from: 'liar' })
    await clock.settle()
    const prefix = Uint8Array.of(1, 0x70, 0x12, 32)

    await liar.say(encodeBitswapFrame({
      blocks: [{ prefix, data: other.bytes }, { prefix, data: Uint8Array.from(block.bytes, byte => byte ^ 1) }]
    }))
    await clock.settle()
    await liar.say(encodeBitswapFrame({ blocks: [{ prefix, data: block.bytes }] }))

    assert.deepEqual(Buffer.from(await fetching), Buffer.from(block.bytes))
  })

  it('answers as Go does: small blocks at once, large ones when asked, no when told to say so', async () => {
    const asker = byHand('asker')
    const [small, large, missing] = [blockOf('small'), blockOf('large', 5000), blockOf('missing')]
    store(small)
    store(large)

    await asker.say(encodeBitswapFrame({ wants: [small, large, missing].map(({ cid }) => ({ cid: cid.bytes, type: 'have' as const })) }))
    await clock.settle()
    await asker.say(encodeBitswapFrame({ wants: [{ cid: large.cid.bytes }] }))
    await clock.settle()

    assert.deepEqual(asker.presences(), ['HaveBlock', 'DoNotHaveBlock'])
    assert.deepEqual(asker.blocks().map(bytes => bytes.length), [small.bytes.length, large.bytes.length])
  })

  it('sends a block that comes later to who still wants it, once', async () => {
    const [asker, left] = [byHand('asker'), byHand('left')]
    const block = blockOf('later')
    for (const peer of [asker, left]) await peer.say(encodeBitswapFrame({ wants: [{ cid: block.cid.bytes }] }))
    await left.say(encodeBitswapFrame({ wants: [{ cid: block.cid.bytes, cancel: true }] }))
    await clock.settle()

    store(block)
    exchange.offer(block.cid, block.bytes)
    exchange.offer(block.cid, block.bytes)
    await clock.settle()

    assert.equal(asker.blocks().length, 1)
    assert.equal(left.blocks().length, 0)
  })

  it('has no timer on a silent stream, and resets one whose message stands still', async () => {
    const peer = byHand('slow')
    const stream = await peer.say(encodeBitswapFrame({ wants: [{ cid: blockOf('x').cid.bytes }] }))
    await clock.advance(3_600_000)
    const isSilentFine = !stream.wasReset.aborted

    await peer.say(encodeBitswapFrame({ wants: [{ cid: blockOf('y').cid.bytes }] }).subarray(0, 10))
    await clock.advance(exchangeDefaults.stallMs + 1)

    assert.ok(isSilentFine)
    assert.ok(stream.wasReset.aborted)
  })

  it('resets streams that bring nonsense or claim huge lengths, and goes on with others', async () => {
    const good = byHand('good')
    const block = blockOf('served')
    store(block)

    for (const bytes of [
      Uint8Array.of(5, 0xff, 0xff, 0xff, 0xff, 0xff), Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), new Uint8Array(64).fill(0xff)
    ]) {
      const stream = await net.of('bad').open('self', bitswapProtocol)
      await stream.write(bytes)
      await clock.settle()
      assert.ok(stream.wasReset.aborted)
    }

    await good.say(encodeBitswapFrame({ wants: [{ cid: block.cid.bytes }] }))
    await clock.settle()
    assert.equal(good.blocks().length, 1)
  })

  it('remembers a bounded number of wants of one peer', async () => {
    const greedy = byHand('greedy')
    const wanted = Array.from({ length: 3000 }, (_, index) => blockOf(`w${index}`))
    await greedy.say(encodeBitswapFrame({ wants: wanted.map(({ cid }) => ({ cid: cid.bytes })) }))
    await turnsUntil(() => greedy.presences().length === 3000)

    for (const block of wanted) {
      store(block)
      exchange.offer(block.cid, block.bytes)
    }
    await turnsUntil(() => greedy.blocks().length === 1024)
    await clock.settle()

    assert.equal(greedy.blocks().length, 1024)
  })

  describe('with a peer that floods it', () => {
    const wantsFrame = (index: number): Uint8Array =>
      encodeBitswapFrame({ wants: Array.from({ length: 1000 }, (_, at) => ({ cid: blockOf(`w${index} ${at}`).cid.bytes })) })

    /** Sends 30,000 wants, as fast as they are taken. */
    function pour (peer: ByHand): { taken: number } {
      const count = { taken: 0 }
      void (async () => { for (; count.taken < 30; count.taken++) await peer.say(wantsFrame(count.taken)) })().catch(() => {})
      return count
    }

    it('stops reading wants while answers wait, says so once, and forgets none', async () => {
      const flood = byHand('flood')
      flood.isReading = false
      const count = pour(flood)
      await turns(200)
      const [takenAtFirst, lookedUp] = [count.taken, lookUps]

      flood.goOn()
      await turnsUntil(() => flood.presences().length === 30_000)

      assert.ok(takenAtFirst < 15, `${takenAtFirst} messages`)
      assert.ok(lookedUp < 10_000, `${lookedUp} look-ups`)
      assert.deepEqual(
        log.warnings().map(([message, { peer }]) => [message, peer]),
        [['a peer wants more blocks than it takes answers; its wants wait', 'flood']]
      )
    })

    it('serves the others meanwhile', async () => {
      const [flood, good] = [byHand('flood'), byHand('good')]
      flood.isReading = false
      pour(flood)
      await turns(200)
      const block = blockOf('served')
      store(block)

      await good.say(encodeBitswapFrame({ wants: [{ cid: block.cid.bytes }] }))
      await clock.settle()

      assert.equal(good.blocks().length, 1)
    })

    it('leaves the wants of who takes no answers unread for a second at a time', async () => {
      const mute = net.of('mute')
      const out = await mute.open('self', bitswapProtocol)
      let taken = 0
      void (async () => { for (; taken < 60; taken++) await out.write(wantsFrame(taken)) })().catch(() => {})
      await turns(200)
      const takenAtFirst = taken

      await clock.advance(999)
      await turns(200)
      const takenBefore = taken
      await clock.advance(2)
      await turns(200)

      assert.ok(takenAtFirst < 15, `${takenAtFirst} messages`)
      assert.equal(takenBefore, takenAtFirst)
      assert.ok(taken > takenBefore && taken < 30, `${taken} messages`)
      assert.equal(log.warnings().length, 1)
    })

    it('gives up a stream that the peer does not read, and asks others for what it wanted there', async () => {
      const [flood, other] = [byHand('flood'), byHand('other')]
      flood.isReading = false
      pour(flood)
      await turns(200)
      const block = blockOf('wanted')
      const fetching = exchange.fetch(block.cid, { ...never, from: 'flood' })

      await clock.advance(exchangeDefaults.stallMs + 1)
      await turns(50)
      await other.say(encodeBitswapFrame({ blocks: [{ prefix: Uint8Array.of(1, 0x70, 0x12, 32), data: block.bytes }] }))

      assert.deepEqual(Buffer.from(await fetching), Buffer.from(block.bytes))
      assert.ok(flood.streams.every(({ wasReset }) => wasReset.aborted))
    })

    it('reads a bounded number of its streams, and says once a minute that it refuses more', async () => {
      const streams: PeerStream[] = []
      for (let at = 0; at < 100; at++) streams.push(await net.of('flood').open('self', bitswapProtocol))
      await clock.settle()

      assert.equal(streams.filter(({ wasReset }) => wasReset.aborted).length, 36)
      assert.equal(log.warnings().length, 1)
      for (const stream of streams.slice(0, 64)) await stream.closeWrite()
      await clock.settle()
      const later = await net.of('flood').open('self', bitswapProtocol)
      await clock.settle()
      assert.equal(later.wasReset.aborted, false)
    })

    it('holds a bounded amount of messages that have begun', async () => {
      const streams: PeerStream[] = []
      for (let at = 0; at < 8; at++) {
        const stream = await net.of('flood').open('self', bitswapProtocol)
        streams.push(stream)
        // the prefix of 4 MiB and a byte
        await stream.write(Uint8Array.of(0x80, 0x80, 0x80, 0x02, 1))
      }
      await clock.settle()

      assert.deepEqual(streams.map(({ wasReset }) => wasReset.aborted), [false, false, false, false, true, true, true, true])
    })
  })

  it('refuses to fetch what is no CRDT block', async () => {
    const { CID } = await import('../../../../src/model/cid.ts')

    await assert.rejects(exchange.fetch(CID.parse('bafkqaaik'), never), { code: 'INVALID_CID' })
  })
})
