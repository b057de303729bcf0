import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ClusterError } from '../../../../src/base/errors.ts'
import type { PinsetChange } from '../../../../src/consensus/consensus.ts'
import type { Datastore } from '../../../../src/datastore/datastore.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import type { PeerId } from '../../../../src/model/cid.ts'
import type { HistoryAnswer, HistoryBlock, HistoryExchange, HistoryRequest } from '../../../../src/network/history.ts'
import { crdtTopic, encodeHeads } from '../../../../src/wire/broadcast.ts'
import { crdtCid } from '../../../../src/wire/crdt-block.ts'
import type { CrdtBlock } from '../../../../src/wire/crdt-block.ts'
import { headsOf, pinBlock, pinChain } from '../../../support/crdt-dag.ts'
import { clusterName, crdtPeer } from '../../../support/crdt-peer.ts'
import type { CrdtPeer, CrdtPeerInit } from '../../../support/crdt-peer.ts'
import { NotedLogger } from '../../../support/noted-logger.ts'
import { SeededRandom, SimClock } from '../../../support/sim-clock.ts'
import { SimDisk } from '../../../support/sim-disk.ts'
import { SimGossip } from '../../../support/sim-gossip.ts'

/** What another peer gives: each ask gets the next answer, and is noted. */
class ScriptedHistory implements HistoryExchange {
  readonly asked: Array<{ peer: PeerId, request: HistoryRequest }> = []
  ended = 0
  answer: (peer: PeerId, request: HistoryRequest, signal: AbortSignal) => {
    heads: HistoryAnswer['heads'], blocks: AsyncIterable<HistoryBlock[]>
  } = () => { throw new ClusterError('UNSUPPORTED') }
  tell: (peer: PeerId, isHere: boolean) => void = () => {}

  async ask (peer: PeerId, request: HistoryRequest, { signal }: { signal: AbortSignal }): Promise<HistoryAnswer> {
    this.asked.push({ peer, request })
    const { heads, blocks } = this.answer(peer, request, signal)
    return { heads, blocks: request.roots.length === 0 ? stream() : blocks, end: () => { this.ended++ } }
  }

  onPeer (listener: (peer: PeerId, isHere: boolean) => void): () => void {
    this.tell = listener
    return () => {}
  }
}

async function * stream (...batches: ReadonlyArray<readonly CrdtBlock[]>): AsyncGenerator<HistoryBlock[]> {
  for (const batch of batches) yield batch.map(({ cid, bytes }) => ({ cid, bytes }))
}

/** Stands still until it is given up. */
// eslint-disable-next-line require-yield
async function * silence (signal: AbortSignal): AsyncGenerator<HistoryBlock[]> {
  await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}
const newestFirst = (blocks: readonly CrdtBlock[]): CrdtBlock[] => blocks.toSorted((a, b) => b.delta.priority - a.delta.priority)

describe('taking history from a peer', () => {
  let clock: SimClock
  let gossip: SimGossip
  let served: Map<string, Uint8Array>
  let fetched: string[]
  let history: ScriptedHistory
  let peer: CrdtPeer

  const serve = (...blocks: CrdtBlock[]): void => { for (const { cid, bytes } of blocks) served.set(cid.toString(), bytes) }
  const announce = (from: PeerId, ...heads: Array<CrdtBlock | undefined>): void =>
    gossip.inject({ from, data: encodeHeads(headsOf(...heads)) }, crdtTopic(clusterName))
  const heads = (): string[] => peer.consensus.progress().heads.map(String)
  const size = (): number => peer.consensus.state.size()
  const open = async (datastore: Datastore, init: Partial<CrdtPeerInit> = {}): Promise<void> => {
    const { broadcast, exchange } = gossip.join('self', cid => peer.consensus.getBlock(cid))
    const noting: typeof exchange = {
      ...exchange,
      fetch: async (cid, options) => {
        fetched.push(cid.toString())
        return exchange.fetch(cid, options)
      }
    }
    peer = crdtPeer({ datastore, clock, broadcast, exchange: noting, history, ...init })
    await peer.start()
  }

  beforeEach(async () => {
    clock = new SimClock()
    gossip = new SimGossip({ maxDelayMs: 5, loss: 0 }, { clock, random: new SeededRandom(1) })
    served = new Map()
    fetched = []
    history = new ScriptedHistory()
    gossip.join('writer', cid => served.get(cid.toString()))
    await open(memoryDatastore())
  })

  afterEach(async () => peer.stop())

  it('asks a peer that connects for its heads, and takes all without a question per block', async () => {
    const blocks = pinChain(300, 'pin')
    history.answer = () => ({ heads: headsOf(blocks.at(-1)), blocks: stream(newestFirst(blocks)) })

    history.tell('writer', true)
    await clock.until(() => size() === 300)

    assert.deepEqual(heads(), headsOf(blocks.at(-1)).map(String))
    assert.deepEqual([fetched, peer.consensus.progress().dirty, peer.consensus.progress().behind], [[], false, false])
    assert.deepEqual(history.asked.map(({ request }) => request), [{ roots: [], known: [] }, { roots: headsOf(blocks.at(-1)), known: [] }])
  })

  it('asks for heads that it does not have, and says what it has', async () => {
    const [old, other] = [pinChain(5, 'pin'), pinChain(2, 'other')]
    history.answer = () => ({ heads: headsOf(old.at(-1)), blocks: stream(newestFirst(old)) })
    history.tell('writer', true)
    await clock.until(() => size() === 5)

    history.answer = () => ({ heads: headsOf(old.at(-1), other.at(-1)), blocks: stream(newestFirst(other)) })
    history.tell('other', true)
    await clock.until(() => size() === 7)

    assert.deepEqual(
      history.asked.slice(2).map(({ request }) => request),
      [{ roots: [], known: [] }, { roots: headsOf(other.at(-1)), known: headsOf(old.at(-1)) }]
    )
    assert.equal(history.ended, 4)
  })

  it('asks for nothing when it has all heads', async () => {
    const blocks = pinChain(5, 'pin')
    serve(...blocks)
    announce('writer', blocks.at(-1))
    await clock.until(() => size() === 5)
    history.answer = () => ({ heads: headsOf(blocks[2], blocks[4]), blocks: stream(newestFirst(blocks)) })

    history.tell('writer', true)
    await clock.settle()

    assert.deepEqual(history.asked.map(({ request }) => request.roots), [[]])
  })

  it('tells users once of each pin that changed', async () => {
    const blocks = pinChain(50, 'pin')
    const told: string[] = []
    peer.consensus.onChange((changes: readonly PinsetChange[]) => told.push(...changes.map(({ pin }) => pin?.name ?? '')))
    history.answer = () => ({ heads: headsOf(blocks.at(-1)), blocks: stream(newestFirst(blocks)) })

    history.tell('writer', true)
    await clock.until(() => size() === 50)

    assert.deepEqual(told.toSorted(), blocks.map((_, at) => `pin ${at}`).toSorted())
  })

  it('merges what comes at once in parts, the oldest block last', async () => {
    const blocks = pinChain(8, 'p'.repeat(50_000))
    const told: number[] = []
    peer.consensus.onChange((changes: readonly PinsetChange[]) => told.push(changes.length))
    history.answer = () => ({ heads: headsOf(blocks.at(-1)), blocks: stream(newestFirst(blocks)) })

    history.tell('writer', true)
    await clock.until(() => size() === 8)

    assert.deepEqual(told, [3, 3, 2])
    assert.equal(peer.consensus.progress().behind, false)
  })

  it('asks only peers that it trusts', async () => {
    await peer.stop()
    await open(memoryDatastore(), { trustedPeers: ['friend'] })

    history.tell('stranger', true)
    history.tell('friend', true)
    await clock.settle()

    assert.deepEqual(history.asked.map(({ peer }) => peer), ['friend'])
  })

  it('leaves peers that do not speak the protocol alone until they connect again, and walks their branches', async () => {
    const blocks = pinChain(40, 'pin')
    serve(...blocks)

    history.tell('writer', true)
    announce('writer', blocks.at(-1))
    await clock.until(() => size() === 40)
    const asked = history.asked.length
    history.tell('writer', false)
    history.tell('writer', true)
    await clock.settle()

    assert.deepEqual([asked, history.asked.length], [1, 2])
  })

  it('asks for an announced branch as a stream when it turns out to be long', async () => {
    const blocks = pinChain(500, 'pin')
    serve(...blocks)
    history.answer = (_, { roots }) => {
      const from = blocks.findIndex(({ cid }) => cid.equals(roots[0]))
      return { heads: headsOf(blocks.at(-1)), blocks: stream(newestFirst(blocks.slice(0, from + 1))) }
    }

    announce('writer', blocks.at(-1))
    await clock.until(() => size() === 500)

    assert.ok(fetched.length < 30, `${fetched.length} blocks were fetched one by one`)
    assert.equal(peer.consensus.progress().dirty, false)
  })

  it('is not behind any more when a stream brings what was announced after it could not be fetched', async () => {
    const blocks = pinChain(10, 'pin')
    const { promise: isOpen, resolve: open } = Promise.withResolvers<void>()
    history.answer = () => ({
      heads: headsOf(blocks.at(-1)),
      blocks: (async function * () {
        await isOpen
        yield * stream(newestFirst(blocks.slice(0, -1)))
      })()
    })
    gossip.join('other', cid => cid.equals(blocks.at(-1)?.cid) ? blocks.at(-1)?.bytes : undefined)
    announce('other', blocks.at(-1))
    await clock.advance(130_000) // the next block could not be had
    history.tell('writer', true)
    await clock.settle()

    announce('other', blocks.at(-2))
    await clock.advance(100)
    open()
    await clock.advance(130_000)

    assert.deepEqual([size(), peer.consensus.progress().behind], [10, false])
  })

  it('walks what a cut stream left', async () => {
    const blocks = pinChain(30, 'pin')
    serve(...blocks)
    history.answer = () => ({
      heads: headsOf(blocks.at(-1)),
      blocks: (async function * () {
        yield * stream(newestFirst(blocks).slice(0, 10))
        throw new ClusterError('PEER_UNREACHABLE')
      })()
    })

    history.tell('writer', true)
    await clock.until(() => size() === 30)

    assert.equal(fetched.length, 20)
  })

  for (const code of ['PEER_UNREACHABLE', 'TIMEOUT'] as const) {
    it(`asks a connected peer again within seconds when its stream ends early with ${code}, and not for ever`, async () => {
      const blocks = pinChain(30, 'pin')
      const cut = async function * (): AsyncGenerator<HistoryBlock[]> {
        yield * stream(newestFirst(blocks).slice(0, 10))
        throw new ClusterError(code)
      }
      const rest = (): AsyncIterable<HistoryBlock[]> => stream(newestFirst(blocks).slice(10))
      let asks = 0
      history.answer = (_, { roots }) => ({ heads: headsOf(blocks.at(-1)), blocks: roots.length > 0 && ++asks > 2 ? rest() : cut() })

      history.tell('writer', true)
      await clock.until(() => size() === 30, 5000)
      const asked = history.asked.length
      history.answer = () => { throw new ClusterError(code) }
      history.tell('dead', true)
      await clock.advance(50_000)

      assert.deepEqual([asked, history.asked.filter(({ peer }) => peer === 'dead').length], [6, 6])
    })
  }

  it('does not ask a peer again that is gone', async () => {
    history.answer = () => { throw new ClusterError('PEER_UNREACHABLE') }
    history.tell('writer', true)
    await clock.settle()

    history.tell('writer', false)
    await clock.advance(50_000)

    assert.equal(history.asked.length, 1)
  })

  it('goes on after a crash at any write, with what is missing on record', async () => {
    const blocks = newestFirst(pinChain(40, 'pin'))
    for (let atWrite = 2; atWrite < 12; atWrite++) {
      await peer.stop()
      const disk = new SimDisk()
      disk.crashAtWrite(atWrite, atWrite % 2 === 0 ? 'lost' : 'kept')
      history.answer = () => ({ heads: headsOf(blocks[0]), blocks: slowly(clock, blocks) })
      await open(disk.datastore())
      history.tell('writer', true)
      await clock.until(() => disk.dead || size() === 40)
      const died = disk.dead

      history.asked.length = 0
      await open(disk.datastore())
      const { dirty, behind } = peer.consensus.progress()
      const before = size()
      history.answer = (_, { roots }) => {
        const from = roots.length === 0 ? 0 : blocks.findIndex(({ cid }) => cid.equals(roots[0]))
        return { heads: headsOf(blocks[0]), blocks: stream(blocks.slice(from)) }
      }
      history.tell('writer', true)
      await clock.until(() => size() === 40)

      assert.ok(died, `write ${atWrite}`)
      assert.equal(dirty, before > 0, `write ${atWrite}`)
      assert.equal(behind, before > 0, `write ${atWrite}`)
      assert.equal(history.asked[1]?.request.roots[0]?.toString(), (before > 0 ? blocks[before] : blocks[0])?.cid.toString())
      assert.deepEqual([heads(), peer.consensus.progress().dirty], [headsOf(blocks[0]).map(String), false])
    }
  })

  it('takes one stream at a time, and the next peer when one stands still', async () => {
    const blocks = pinChain(10, 'pin')
    history.answer = (name, _, signal) => ({
      heads: headsOf(blocks.at(-1)), blocks: name === 'slow' ? silence(signal) : stream(newestFirst(blocks))
    })

    history.tell('slow', true)
    history.tell('quick', true)
    await clock.settle()
    const askedAtFirst = history.asked.map(({ peer }) => peer)
    await clock.until(() => size() === 10)

    assert.deepEqual(askedAtFirst, ['slow', 'slow'])
    assert.deepEqual(history.asked.map(({ peer }) => peer), ['slow', 'slow', 'quick', 'quick'])
  })

  it('takes the next peer when one does not begin to answer', async () => {
    const blocks = pinChain(10, 'pin')
    const ask = history.ask.bind(history)
    history.ask = async (name, request, options) => {
      if (name === 'silent') {
        return new Promise((_resolve, reject) => options.signal.addEventListener('abort', () => reject(options.signal.reason as Error)))
      }
      return ask(name, request, options)
    }
    history.answer = () => ({ heads: headsOf(blocks.at(-1)), blocks: stream(newestFirst(blocks)) })

    history.tell('silent', true)
    history.tell('quick', true)
    await clock.until(() => size() === 10, 5000)

    assert.equal(peer.consensus.progress().behind, false)
  })

  it('goes on with other branches while a stream stands still', async () => {
    const [mine, theirs] = [pinChain(10, 'mine'), pinChain(30, 'theirs')]
    serve(...theirs)
    history.answer = (_, __, signal) => ({ heads: headsOf(mine.at(-1)), blocks: silence(signal) })
    history.tell('slow', true)
    await clock.settle()

    announce('writer', theirs.at(-1))
    await clock.until(() => size() === 30, 5000)

    assert.deepEqual(heads(), headsOf(theirs.at(-1)).map(String))
  })

  describe('when something under it is broken', () => {
    const blocks = pinChain(10, 'pin')
    let log: NotedLogger

    beforeEach(async () => {
      log = new NotedLogger()
      await peer.stop()
      await open(memoryDatastore(), { log })
      history.answer = () => ({ heads: headsOf(blocks.at(-1)), blocks: stream(newestFirst(blocks)) })
    })

    it('says so and takes the next peer, whatever is thrown', async () => {
      const ask = history.ask.bind(history)
      history.ask = (name, request, options) => {
        if (name === 'broken') throw new TypeError('ask is not a function')
        return ask(name, request, options)
      }

      history.tell('broken', true)
      history.tell('good', true)
      await clock.until(() => size() === 10)

      assert.deepEqual(
        log.warnings().map(([message, { from }]) => [message, from]), [['the history sync with a peer failed', 'broken']]
      )
    })

    it('says so and takes the next peer when answers never come and nothing ends them', async () => {
      const ask = history.ask.bind(history)
      history.ask = async (name, request, options) => name === 'good' ? ask(name, request, options) : new Promise(() => {})

      for (const name of ['dead 1', 'dead 2', 'dead 3', 'good']) history.tell(name, true)
      try {
        await clock.until(() => size() === 10, 10_000)

        assert.deepEqual(log.warnings().map(([, { from }]) => from), ['dead 1', 'dead 2', 'dead 3'])
        assert.ok(log.warnings().every(([message]) => message.startsWith('a peer stalls')))
      } finally {
        history.ask = ask
        peer.stop().catch(() => {}) // the dead answers keep it
        await open(memoryDatastore())
      }
    })

    it('is quiet when all is well', async () => {
      for (const name of ['one', 'two', 'three']) history.tell(name, true)
      await clock.until(() => size() === 10)
      await clock.advance(60_000)

      assert.deepEqual(log.warnings(), [])
      assert.deepEqual(new Set(history.asked.map(({ peer }) => peer)), new Set(['one', 'two', 'three']))
    })
  })

  describe('that lies', () => {
    const [good, bad] = [pinChain(10, 'good'), pinChain(5, 'bad')]

    it('keeps no block that was not asked for, and asks it no more', async () => {
      history.answer = () => ({
        heads: headsOf(good.at(-1)), blocks: stream([...newestFirst(good).slice(0, 5), ...bad], newestFirst(good).slice(5))
      })
      serve(...good)

      history.tell('writer', true)
      await clock.until(() => history.ended === 2)
      announce('writer', good.at(-1))
      await clock.until(() => size() === 10)

      assert.deepEqual(heads(), headsOf(good.at(-1)).map(String))
      assert.equal(bad.some(({ cid }) => peer.consensus.getBlock(cid) != null), false)
      assert.equal(history.asked.length, 2)
    })

    it('leaves a stream of blocks that are here already', async () => {
      const blocks = pinChain(5, 'pin')
      let given = 0
      history.answer = () => ({
        heads: headsOf(pinBlock([], 'promised')),
        blocks: (async function * () { for (;;) { given++; yield blocks.map(({ cid, bytes }) => ({ cid, bytes })) } })()
      })
      serve(...blocks)
      announce('writer', blocks.at(-1))
      await clock.until(() => size() === 5)

      history.tell('writer', true)
      await clock.until(() => history.ended === 2)

      assert.ok(given < 1000)
      assert.equal(size(), 5)
    })

    it('gives way to others after a time, however steadily blocks come', async () => {
      const blocks = newestFirst(pinChain(40, 'slow'))
      history.answer = (_, { roots }) => ({
        heads: headsOf(blocks[0]),
        blocks: slowly(clock, blocks.slice(blocks.findIndex(({ cid }) => cid.equals(roots[0]))), 60_000)
      })

      history.tell('writer', true)
      await clock.until(() => size() === 40, 4_000_000)

      assert.ok(history.asked.filter(({ request }) => request.roots.length > 0).length >= 4)
    })

    it('survives blocks that are none', async () => {
      const bytes = Uint8Array.of(1, 2, 3)
      history.answer = () => ({ heads: [crdtCid(bytes)], blocks: (async function * () { yield [{ cid: crdtCid(bytes), bytes }] })() })

      history.tell('writer', true)
      await clock.until(() => history.ended === 2)

      assert.deepEqual([heads(), size()], [[], 0])
    })

    it('survives heads that never come', async () => {
      history.answer = () => ({ heads: headsOf(good.at(-1)), blocks: stream() })

      history.tell('writer', true)
      await clock.until(() => history.ended === 2)

      assert.deepEqual([heads(), peer.consensus.progress().dirty], [[], false])
    })
  })
})

/** One block at a time, each in its own batch. */
async function * slowly (clock: SimClock, blocks: readonly CrdtBlock[], everyMs = 10): AsyncGenerator<HistoryBlock[]> {
  for (const { cid, bytes } of blocks) {
    await clock.sleep(everyMs)
    yield [{ cid, bytes }]
  }
}
