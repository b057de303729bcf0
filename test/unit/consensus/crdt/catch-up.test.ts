import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { PinsetChange } from '../../../../src/consensus/consensus.ts'
import { damageRow } from '../../../../src/datastore/datastore.ts'
import type { Datastore } from '../../../../src/datastore/datastore.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import type { CID } from '../../../../src/model/cid.ts'
import { crdtTopic, decodeHeads, encodeHeads } from '../../../../src/wire/broadcast.ts'
import { blockKey, encodeCrdtBlock } from '../../../../src/wire/crdt-block.ts'
import type { CrdtBlock } from '../../../../src/wire/crdt-block.ts'
import { encodePin } from '../../../../src/wire/pin.ts'
import { pinKey } from '../../../../src/wire/pin-key.ts'
import { clusterName, crdtPeer } from '../../../support/crdt-peer.ts'
import type { CrdtPeer, CrdtPeerInit } from '../../../support/crdt-peer.ts'
import { NotedLogger } from '../../../support/noted-logger.ts'
import { cidFor, pinFor } from '../../../support/pins.ts'
import { SeededRandom, SimClock } from '../../../support/sim-clock.ts'
import { SimDisk } from '../../../support/sim-disk.ts'
import { SimGossip } from '../../../support/sim-gossip.ts'

const signal = new AbortController().signal

/** Blocks as another peer would write them, each with one pin. */
function blockOver (parents: readonly CrdtBlock[], text: string, name = text): CrdtBlock {
  const priority = 1 + Math.max(0, ...parents.map(({ delta }) => delta.priority))
  const elements = [{ key: pinKey(cidFor(text)), value: encodePin(pinFor(text, { name })) }]
  return encodeCrdtBlock({ elements, tombstones: [], priority }, parents.map(({ cid }) => cid))
}

function chain (length: number, text: string): CrdtBlock[] {
  const blocks: CrdtBlock[] = []
  for (let at = 0; at < length; at++) blocks.push(blockOver(blocks.slice(-1), `${text} ${at}`))
  return blocks
}

describe('catching up', () => {
  let clock: SimClock
  let gossip: SimGossip
  let served: Map<string, Uint8Array>
  let peer: CrdtPeer

  const serve = (...blocks: CrdtBlock[]): void => { for (const { cid, bytes } of blocks) served.set(cid.toString(), bytes) }
  const announce = (heads: readonly CrdtBlock[], from = 'writer'): void =>
    gossip.inject({ from, data: encodeHeads(heads.map(({ cid }) => cid)) }, crdtTopic(clusterName))
  const heads = (): string[] => peer.consensus.progress().heads.map(String)
  const has = (text: string): boolean => peer.consensus.state.has(cidFor(text))
  const open = (datastore: Datastore, init: Partial<CrdtPeerInit> = {}): CrdtPeer => {
    let opened: CrdtPeer | undefined
    opened = crdtPeer({ datastore, clock, ...gossip.join('self', cid => opened?.consensus.getBlock(cid)), ...init })
    return opened
  }
  const tick = async (): Promise<void> => {
    for (const worker of peer.workers) await worker.work(signal)
    await clock.settle()
  }
  const ownBroadcasts = (): CID[][] => gossip.sent.filter(({ from }) => from === 'self').map(({ data }) => decodeHeads(data))

  beforeEach(async () => {
    clock = new SimClock()
    gossip = new SimGossip({ maxDelayMs: 5, loss: 0 }, { clock, random: new SeededRandom(1) })
    served = new Map()
    gossip.join('writer', cid => served.get(cid.toString()))
    peer = open(memoryDatastore())
    await peer.start()
  })

  afterEach(async () => peer.stop())

  it('takes from others what damage of the disk took, and says that it was damaged until all is here', async () => {
    const blocks = chain(20, 'pin')
    serve(...blocks)
    announce(blocks.slice(-1))
    await clock.until(() => has('pin 0'))
    await peer.stop()
    await peer.datastore.start(signal)
    const gone = blocks.slice(12)
    const records = gone.flatMap(
      ({ cid, delta }) => [`b${blockKey(cid)}`, ...delta.elements.flatMap(({ key }) => [`v${key}`, `j${key}`, `e${key}${blockKey(cid)}`])]
    )
    const report = { at: '2026-01-01T00:00:00.000Z', folder: 'pinset', keptAt: 'pinset.damaged', what: 'x', rows: 0, doubtful: 0 }
    await peer.datastore.write(
      [...records.map(key => ({ key, value: undefined })), { key: damageRow, value: Buffer.from(JSON.stringify(report)) }]
    )
    peer = open(peer.datastore)

    await peer.start()

    assert.deepEqual([peer.consensus.state.size(), peer.consensus.progress().damaged], [12, true])
    announce(blocks.slice(-1))
    await clock.until(() => peer.consensus.state.size() === 20 && !peer.consensus.progress().behind)
    await tick()
    assert.deepEqual([peer.consensus.progress().damaged, heads()], [false, [blocks.at(-1)?.cid.toString()]])
  })

  it('merges a whole chain, the newest first', async () => {
    const blocks = chain(40, 'pin')
    const order: string[] = []
    peer.consensus.onChange((changes: readonly PinsetChange[]) => order.push(...changes.map(({ pin }) => pin?.name ?? '')))
    serve(...blocks)

    announce(blocks.slice(-1))
    await clock.until(() => !peer.consensus.progress().behind)

    assert.deepEqual(order, blocks.map((_, at) => `pin ${at}`).toReversed())
    assert.equal(peer.consensus.state.size(), 40)
    assert.deepEqual(heads(), [blocks.at(-1)?.cid.toString()])
    assert.equal(peer.consensus.progress().height, 40)
  })

  it('adopts an announced head before its ancestors, dirty until they are here', async () => {
    const blocks = chain(3, 'pin')
    serve(...blocks.slice(-1))

    announce(blocks.slice(-1))
    await clock.until(() => has('pin 2'))

    assert.deepEqual(heads(), [blocks[2]?.cid.toString()])
    assert.deepEqual([peer.consensus.progress().dirty, peer.consensus.progress().behind], [true, true])
    await peer.consensus.put(pinFor('mine'))
    assert.equal(peer.consensus.progress().height, 4)
    serve(...blocks)
    await clock.until(() => !peer.consensus.progress().behind)
    assert.deepEqual([has('pin 0'), peer.consensus.progress().dirty, heads().length], [true, false, 1])
  })

  it('goes on after a restart where it was killed', async () => {
    const disk = new SimDisk()
    await peer.stop()
    peer = open(disk.datastore())
    await peer.start()
    const blocks = chain(5, 'pin')
    serve(...blocks.slice(3))
    announce(blocks.slice(-1))
    await clock.until(() => has('pin 3'))
    disk.crash(Infinity)
    serve(...blocks)

    peer = open(disk.datastore())
    await peer.start()

    await clock.until(() => !peer.consensus.progress().behind)
    assert.equal(peer.consensus.state.size(), 5)
  })

  it('lets a dead branch delay only itself, however many there are', async () => {
    const dead = Array.from({ length: 100 }, (_, at) => blockOver([blockOver([], `lost ${at}`)], `dead ${at}`))
    const good = chain(10, 'good')
    serve(...dead, ...good)

    announce([...dead, ...good.slice(-1)])
    await clock.until(() => has('good 0'), 30_000)

    assert.equal(has('dead 7'), true)
    assert.equal(peer.consensus.progress().behind, true)
  })

  it('gives up a fetch after two minutes and asks again when somebody announces or the repair runs', async () => {
    const [lost, head] = chain(2, 'pin') as [CrdtBlock, CrdtBlock]
    serve(head)
    announce([head])
    await clock.until(() => has('pin 1'))
    await clock.advance(130_000)
    assert.equal(clock.pending, 0)
    serve(lost)

    await tick()

    await clock.until(() => !peer.consensus.progress().behind)
    assert.equal(has('pin 0'), true)
  })

  it('forgets an announced head that nobody has', async () => {
    announce([blockOver([], 'nobody has it')])
    assert.equal(peer.consensus.progress().behind, true)

    await clock.advance(130_000)

    assert.deepEqual([peer.consensus.progress().behind, peer.consensus.progress().dirty, heads()], [false, false, []])
  })

  it('says once a minute that a peer announces more than can be fetched, and how often', async () => {
    await peer.stop()
    const log = new NotedLogger()
    peer = open(memoryDatastore(), { log })
    await peer.start()
    const nobodys = (who: string): CrdtBlock[] => Array.from({ length: 257 }, (_, at) => blockOver([], `${who} ${at}`))
    const heads = nobodys('writer')

    for (let at = 0; at < 100; at++) announce(heads)
    announce(nobodys('another'), 'another')
    await clock.advance(60_000)
    announce(heads)

    const lines = log.warnings().filter(([message]) => message.includes('announces more heads'))
    assert.deepEqual(lines.map(([, facts]) => facts), [{ from: 'writer' }, { from: 'another' }, { from: 'writer', repeated: 99 }])
  })

  it('says once a minute that blocks can not be had, and that broadcasts are none', async () => {
    await peer.stop()
    const log = new NotedLogger()
    peer = open(memoryDatastore(), { log })
    await peer.start()

    announce(Array.from({ length: 200 }, (_, at) => blockOver([], `nobody has ${at}`)))
    for (let at = 0; at < 100; at++) gossip.inject({ from: 'writer', data: Uint8Array.of(0x0a, 0xff, 0xff) }, crdtTopic(clusterName))
    await clock.until(() => !peer.consensus.progress().behind)

    assert.equal(log.lines.filter(({ message }) => message === 'a head broadcast could not be read').length, 1)
    const lines = log.warnings().filter(([message]) => message === 'a CRDT block could not be fetched')
    assert.ok(lines.length > 0 && lines.length <= 20, `${lines.length} lines`)
  })

  it('drops a branch whose block is not readable and keeps the rest', async () => {
    const bad = encodeCrdtBlock({ elements: [], tombstones: [], priority: 1 }, [cidFor('no CRDT block')])
    const good = chain(3, 'good')
    serve(bad, ...good)

    announce([bad, ...good.slice(-1)])
    await clock.until(() => !peer.consensus.progress().behind)

    assert.deepEqual([has('good 0'), heads().length], [true, 1])
  })

  it('joins branches: a block over several heads replaces them', async () => {
    const [left, right] = [chain(3, 'left'), chain(2, 'right')]
    serve(...left, ...right)
    announce([...left.slice(-1), ...right.slice(-1)])
    await clock.until(() => !peer.consensus.progress().behind)
    assert.equal(heads().length, 2)
    const joined = blockOver([left.at(-1) as CrdtBlock, right.at(-1) as CrdtBlock], 'joined')
    serve(joined)

    announce([joined])
    await clock.until(() => !peer.consensus.progress().behind)

    assert.deepEqual(heads(), [joined.cid.toString()])
  })

  it('keeps an ancestor that is announced from becoming a head', async () => {
    const blocks = chain(4, 'pin')
    serve(...blocks)

    announce([blocks[3] as CrdtBlock, blocks[1] as CrdtBlock])
    await clock.until(() => !peer.consensus.progress().behind)
    announce([blocks[0] as CrdtBlock, blocks[2] as CrdtBlock])
    await clock.until(() => !peer.consensus.progress().behind)

    assert.deepEqual(heads(), [blocks[3]?.cid.toString()])
  })

  it('writes over everything it has merged: one block links all heads', async () => {
    const [left, right] = [chain(3, 'left'), chain(2, 'right')]
    serve(...left, ...right)
    announce([...left.slice(-1), ...right.slice(-1)])
    await clock.until(() => !peer.consensus.progress().behind)

    await peer.consensus.put(pinFor('mine'))

    assert.equal(heads().length, 1)
    assert.equal(peer.consensus.progress().height, 4)
  })

  it('does not rely on the network to keep out whom it does not trust', async () => {
    await peer.stop()
    const asked: string[] = []
    const { broadcast, exchange } = gossip.join('self', () => undefined)
    peer = crdtPeer({
      datastore: memoryDatastore(),
      clock,
      trustedPeers: ['writer'],
      broadcast: { ...broadcast, subscribe: (topic, handler) => broadcast.subscribe(topic, handler) },
      exchange: { ...exchange, fetch: async (cid, options) => { asked.push(cid.toString()); return exchange.fetch(cid, options) } }
    })
    await peer.start()
    const [foreign, trusted] = [blockOver([], 'foreign'), blockOver([], 'trusted')]
    serve(foreign, trusted)

    announce([foreign], 'stranger')
    announce([trusted], 'writer')
    await clock.until(() => has('trusted'))
    await clock.settle()

    assert.deepEqual([asked, has('foreign'), peer.consensus.progress().behind], [[trusted.cid.toString()], false, false])
  })

  it('ignores peers that are not trusted, but takes their blocks as ancestors', async () => {
    await peer.stop()
    peer = open(memoryDatastore(), { trustedPeers: ['writer'] })
    await peer.start()
    const foreign = blockOver([], 'foreign')
    const trusted = blockOver([foreign], 'trusted')
    serve(foreign, trusted)

    announce([foreign], 'stranger')
    await clock.advance(1000)
    assert.equal(has('foreign'), false)
    announce([trusted])
    await clock.until(() => !peer.consensus.progress().behind)

    assert.deepEqual(
      [has('foreign'), peer.consensus.trusts('stranger'), peer.consensus.trusts('self'), peer.consensus.trusts('writer')],
      [true, false, true, true]
    )
  })

  it('survives a broadcast that is no broadcast', async () => {
    gossip.inject({ from: 'writer', data: Uint8Array.of(0x0a, 0xff, 0xff) }, crdtTopic(clusterName))

    await peer.consensus.put(pinFor('one'))

    assert.equal(has('one'), true)
  })

  it('reports an older version that takes over as that pin', async () => {
    const first = blockOver([], 'pin', 'first')
    const second = blockOver([first], 'pin', 'second')
    const tombstone = encodeCrdtBlock(
      { elements: [], tombstones: [{ key: pinKey(cidFor('pin')), id: blockKey(second.cid) }], priority: 3 }, [second.cid]
    )
    const seen: Array<string | undefined> = []
    peer.consensus.onChange(changes => seen.push(...changes.map(({ pin }) => pin?.name)))
    serve(first, second, tombstone)
    announce([second])
    await clock.until(() => !peer.consensus.progress().behind)

    announce([tombstone])
    await clock.until(() => !peer.consensus.progress().behind)

    assert.deepEqual(seen, ['second', 'first'])
    assert.equal(peer.consensus.state.size(), 1)
  })

  it('counts a value that is no pin for the CRDT but never shows it', async () => {
    const bad = encodeCrdtBlock({ elements: [{ key: pinKey(cidFor('pin')), value: Uint8Array.of(0xff) }], tombstones: [], priority: 1 }, [])
    serve(bad)
    announce([bad])
    await clock.until(() => !peer.consensus.progress().behind)

    assert.deepEqual([peer.consensus.state.size(), has('pin')], [0, false])
    await peer.consensus.put(pinFor('pin'))
    assert.deepEqual([peer.consensus.state.size(), has('pin')], [1, true])
    await peer.consensus.remove(cidFor('pin'))
    assert.deepEqual([peer.consensus.state.size(), has('pin')], [0, false])
  })

  it('announces its own block once, stored', async () => {
    await peer.consensus.put(pinFor('one'))

    assert.deepEqual(ownBroadcasts().map(String), [heads().join()])
    assert.ok(peer.consensus.hasBlock(peer.consensus.progress().heads[0] as CID))
  })

  it('repeats heads on the timer unless somebody else named them since', async () => {
    await peer.consensus.put(pinFor('one'))
    const head = { cid: peer.consensus.progress().heads[0] } as CrdtBlock
    gossip.sent.splice(0)

    await tick()
    announce([head])
    await tick()
    await tick()

    assert.equal(ownBroadcasts().length, 2)
  })

  it('does not leave a head to others for ever: who trusts only this peer must hear of it', async () => {
    await peer.consensus.put(pinFor('one'))
    const head = { cid: peer.consensus.progress().heads[0] } as CrdtBlock
    gossip.sent.splice(0)
    const spokenAt: number[] = []

    for (let at = 1; at <= 20; at++) {
      announce([head])
      const before = ownBroadcasts().length
      await tick()
      if (ownBroadcasts().length > before) spokenAt.push(at)
    }

    assert.deepEqual(spokenAt, [4, 8, 16])
  })

  it('does not repeat a head whose branch is not here', async () => {
    const blocks = chain(3, 'pin')
    serve(...blocks.slice(1))
    announce(blocks.slice(-1))
    await clock.until(() => has('pin 1'))

    await tick()
    await tick()
    assert.deepEqual(ownBroadcasts(), [])
    serve(...blocks)
    await clock.until(() => !peer.consensus.progress().behind)
    await tick()

    assert.deepEqual(ownBroadcasts().map(String), heads())
  })

  it('stops while fetches are under way', async () => {
    announce([blockOver([], 'nobody has it')])
    await clock.settle()

    await assert.doesNotReject(peer.stop())

    assert.equal(clock.pending, 0)
  })
})
