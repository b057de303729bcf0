import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { JoiningPeers } from '../../../../src/consensus/crdt/joining-peers.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { crdtTopic, decodeHeads, encodeHeads } from '../../../../src/wire/broadcast.ts'
import type { CrdtBlock } from '../../../../src/wire/crdt-block.ts'
import { headsOf, pinBlock, pinChain } from '../../../support/crdt-dag.ts'
import { clusterName, crdtPeer } from '../../../support/crdt-peer.ts'
import type { CrdtPeer } from '../../../support/crdt-peer.ts'
import { SeededRandom, SimClock } from '../../../support/sim-clock.ts'
import { SimGossip } from '../../../support/sim-gossip.ts'

describe('naming the heads for joining peers', () => {
  let clock: SimClock
  let gossip: SimGossip
  let peers: Map<string, CrdtPeer>
  const served = new Map<string, Uint8Array>()

  /** A peer that begins to listen; with the blocks' history when `heads` are given. */
  const open = async (self: string, heads: readonly CrdtBlock[] = []): Promise<CrdtPeer> => {
    const peer = crdtPeer({ self, datastore: memoryDatastore(), clock, ...gossip.join(self, cid => peer.consensus.getBlock(cid)) })
    peers.set(self, peer)
    await peer.start()
    if (heads.length > 0) {
      gossip.inject({ from: 'writer', data: encodeHeads(heads.map(({ cid }) => cid)) }, crdtTopic(clusterName))
      await clock.until(() => heads.every(({ cid }) => peer.consensus.hasBlock(cid)))
    }
    return peer
  }
  const serve = (...blocks: CrdtBlock[]): void => { for (const { cid, bytes } of blocks) served.set(cid.toString(), bytes) }
  const quiet = async (): Promise<void> => {
    await clock.advance(20_000)
    gossip.sent.length = 0
  }

  beforeEach(() => {
    clock = new SimClock()
    gossip = new SimGossip({ maxDelayMs: 40, loss: 0, tellsListeners: true }, { clock, random: new SeededRandom(1) })
    gossip.join('writer', cid => served.get(cid.toString()))
    peers = new Map()
  })
  afterEach(async () => { await Promise.all(Array.from(peers.values(), async peer => peer.stop())) })

  it('tells a peer that begins to listen all heads, soon and without the timer', async () => {
    const [left, right] = [pinChain(3, 'left'), pinChain(2, 'right')]
    serve(...left, ...right)
    await open('old', [left.at(-1) as CrdtBlock, right.at(-1) as CrdtBlock])
    await quiet()

    const fresh = await open('fresh')
    await clock.until(() => fresh.consensus.state.size() === 5, 1000)

    assert.deepEqual(
      gossip.sent.map(({ from, data }) => [from, decodeHeads(data).map(String).toSorted()]),
      [['old', headsOf(left.at(-1), right.at(-1)).map(String).toSorted()]]
    )
  })

  it('is silent without heads, and about branches that are not here', async () => {
    const blocks = pinChain(3, 'part')
    serve(...blocks.slice(1))
    await open('empty')
    await open('part', blocks.slice(-1))
    await quiet()

    await open('fresh')
    await clock.advance(5000)

    assert.deepEqual(gossip.sent, [])
  })

  it('makes no storm: of twenty peers that see one come, few speak', async () => {
    const block = pinBlock([], 'known to all')
    serve(block)
    for (let at = 0; at < 20; at++) await open(`peer ${at}`, [block])
    await quiet()

    const fresh = await open('fresh')
    await clock.until(() => fresh.consensus.state.size() === 1, 1000)
    await clock.advance(10_000)

    assert.ok(gossip.sent.length <= 5, `${gossip.sent.length} messages`)
  })

  it('makes no storm when twenty begin to listen at once', async () => {
    const block = pinBlock([], 'known to all')
    serve(block)
    await open('old', [block])
    await quiet()

    const fresh = await Promise.all(Array.from({ length: 20 }, async (_, at) => open(`fresh ${at}`)))
    await clock.until(() => fresh.every(({ consensus }) => consensus.state.size() === 1), 1000)
    await clock.advance(10_000)

    assert.ok(gossip.sent.length <= 5, `${gossip.sent.length} messages`)
  })
})

describe('joining peers', () => {
  let clock: SimClock
  let spoken: string[][]
  let joiningPeers: JoiningPeers

  beforeEach(() => {
    clock = new SimClock()
    spoken = []
    joiningPeers = new JoiningPeers('self', { clock, speak: heard => spoken.push([...heard]) })
  })

  it('are spoken to together, and the same one only every ten seconds', async () => {
    for (const peer of ['a', 'b', 'a', 'c']) joiningPeers.joined(peer, 3)
    await clock.advance(9000)
    joiningPeers.joined('a', 3)
    await clock.advance(900)
    const before = spoken.length
    await clock.advance(200)
    joiningPeers.joined('a', 3)
    await clock.advance(1000)

    assert.deepEqual([before, spoken.length], [1, 2])
  })

  it('are spoken to once a second at most, however many come', async () => {
    for (let at = 0; at < 1000; at++) {
      joiningPeers.joined(`peer ${at}`, 1000)
      await clock.advance(10)
    }

    assert.ok(spoken.length >= 3 && spoken.length <= 10, `${spoken.length} messages`)
  })

  it('need not be told what others have named since they came', async () => {
    joiningPeers.heard('before')
    joiningPeers.joined('a', 1)
    joiningPeers.heard('before b')
    joiningPeers.joined('b', 2)
    joiningPeers.heard('since')

    await clock.advance(1000)

    assert.deepEqual(spoken, [['since']])
  })

  it('are forgotten at a stop', async () => {
    joiningPeers.joined('a', 1)

    joiningPeers.stop()

    await clock.advance(1000)
    assert.deepEqual([spoken, clock.pending], [[], 0])
  })
})
