import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { cleanCrdt, crdtBlocks, crdtInfo, markClean, markDirty } from '../../../../src/consensus/crdt/maintenance.ts'
import { pinState } from '../../../../src/consensus/crdt/pin-state.ts'
import type { Datastore } from '../../../../src/datastore/datastore.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { CrdtStore } from '../../../../src/consensus/crdt/crdt-store.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { blockKey, cidOfBlockKey, decodeCrdtBlock, encodeCrdtBlock } from '../../../../src/wire/crdt-block.ts'
import type { CrdtBlock } from '../../../../src/wire/crdt-block.ts'
import { encodePin } from '../../../../src/wire/pin.ts'
import { pinKey } from '../../../../src/wire/pin-key.ts'
import { offlineBroadcast } from '../../../../src/network/offline/offline.ts'
import { crdtPeer } from '../../../support/crdt-peer.ts'
import type { CrdtPeer } from '../../../support/crdt-peer.ts'
import { cidFor, jsonText, listedPins, pinFor } from '../../../support/pins.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const signal = new AbortController().signal

describe('a CRDT whose peer does not run', () => {
  let datastore: Datastore

  const blocksById = async (): Promise<Map<string, Uint8Array>> => {
    const blocks = new Map<string, Uint8Array>()
    for await (const rows of datastore.entries({ from: 'b/', before: 'b0' })) {
      for (const [record, bytes] of rows) blocks.set(record.slice(1), bytes)
    }
    return blocks
  }
  const idAt = (blocks: ReadonlyMap<string, Uint8Array>, height: number): string =>
    [...blocks].find(([id, bytes]) => decodeCrdtBlock(cidOfBlockKey(id), bytes).delta.priority === height)?.[0] ?? assert.fail()
  const check = async (peer: CrdtPeer): Promise<void> => {
    for (const worker of peer.workers) if (worker.name === 'crdt repair') await worker.work(signal)
  }

  beforeEach(async () => {
    datastore = memoryDatastore()
    const peer = crdtPeer({ datastore })
    await peer.start()
    for (const text of ['one', 'two', 'three']) await peer.consensus.put(pinFor(text))
    await peer.stop()
    await datastore.start(signal)
  })

  it('tells its heads, height and size', async () => {
    const info = await crdtInfo(datastore)

    assert.deepEqual({ ...info, heads: info.heads.length }, { heads: 1, height: 3, dirty: false, missing: 0, size: 3, damage: undefined })
  })

  it('shows its blocks', async () => {
    const heights: number[] = []
    for await (const { delta } of crdtBlocks(datastore)) heights.push(delta.priority)

    assert.deepEqual(heights.toSorted(), [1, 2, 3])
  })

  it('shows its pinset', async () => {
    const state = pinState(datastore)

    assert.equal(state.size(), 3)
    assert.equal((await listedPins(state)).length, 3)
    assert.equal((await jsonText(state)).split('\n').length, 4)
  })

  it('can be marked dirty and clean', async () => {
    await markDirty(datastore)
    assert.equal((await crdtInfo(datastore)).dirty, true)

    await markClean(datastore)

    assert.equal((await crdtInfo(datastore)).dirty, false)
  })

  it('finds a block that was lost, when marked dirty', async () => {
    const blocks = new Map<number, string>()
    for await (const { delta, cid } of crdtBlocks(datastore)) blocks.set(delta.priority, blockKey(cid))
    await datastore.write([{ key: `b${blocks.get(2)}`, value: undefined }])
    await markDirty(datastore)
    const peer = crdtPeer({ datastore })
    await peer.start()

    for (const worker of peer.workers) if (worker.name === 'crdt repair') await worker.work(signal)

    assert.equal(peer.consensus.progress().behind, true)
    assert.deepEqual(await crdtInfo(datastore).then(({ missing, dirty }) => ({ missing, dirty })), { missing: 1, dirty: true })
    await peer.stop()
  })

  it('gets a lost block back from another peer, and is then as before', async () => {
    const before = await jsonText(pinState(datastore))
    const blocks = new Map<string, Uint8Array>()
    for await (const rows of datastore.entries({ from: 'b/', before: 'b0' })) {
      for (const [record, bytes] of rows) blocks.set(record.slice(1), bytes)
    }
    const lost = [...blocks.keys()].find(id => decodeCrdtBlock(cidOfBlockKey(id), blocks.get(id) ?? new Uint8Array(0)).delta.priority === 2)
    await datastore.write([{ key: `b${lost}`, value: undefined }])
    await markDirty(datastore)
    const clock = new SimClock()
    const peer = crdtPeer({
      datastore, clock, exchange: { offer: () => {}, fetch: async cid => blocks.get(blockKey(cid)) ?? assert.fail() }
    })
    await peer.start()

    for (const worker of peer.workers) if (worker.name === 'crdt repair') await worker.work(signal)
    await clock.until(() => !peer.consensus.progress().behind)

    assert.deepEqual(
      await crdtInfo(datastore).then(info => ({ ...info, heads: info.heads.length })),
      { heads: 1, height: 3, dirty: false, missing: 0, size: 3, damage: undefined }
    )
    assert.equal(await jsonText(peer.consensus.state), before)
    await peer.stop()
  })

  for (const [what, height] of [['in the middle', 2], ['at the root', 1], ['at the tip', 3]] as const) {
    it(`gets a damaged block ${what} back from another peer, and is then as before`, async () => {
      const before = await jsonText(pinState(datastore))
      const blocks = await blocksById()
      const damaged = idAt(blocks, height)
      await datastore.write([{ key: `b${damaged}`, value: blocks.get(idAt(blocks, height === 1 ? 2 : 1)) }])
      await markDirty(datastore)
      const clock = new SimClock()
      const peer = crdtPeer({
        datastore, clock, exchange: { offer: () => {}, fetch: async cid => blocks.get(blockKey(cid)) ?? assert.fail() }
      })
      await peer.start()

      await check(peer)
      await clock.until(() => !peer.consensus.progress().behind)

      assert.deepEqual(
        await crdtInfo(datastore).then(info => ({ ...info, heads: info.heads.length })),
        { heads: 1, height: 3, dirty: false, missing: 0, size: 3, damage: undefined }
      )
      assert.deepEqual(await blocksById(), blocks)
      assert.equal(await jsonText(peer.consensus.state), before)
      await peer.stop()
    })
  }

  it('keeps a damaged block on record that nobody has: not served, its head not announced, no fault at the next check', async () => {
    const blocks = await blocksById()
    const damaged = idAt(blocks, 3)
    await datastore.write([{ key: `b${damaged}`, value: new Uint8Array([255, 1, 2]) }])
    const announced: unknown[] = []
    const again = async (): Promise<CrdtPeer> => {
      await markDirty(datastore)
      const peer = crdtPeer({ datastore, broadcast: { ...offlineBroadcast(), publish: async (_, data) => { announced.push(data) } } })
      await peer.start()
      await check(peer)
      return peer
    }

    await (await again()).consensus.stop()
    const peer = await again()
    for (const worker of peer.workers) if (worker.name === 'crdt rebroadcast') await worker.work(signal)

    assert.equal(peer.consensus.progress().dirty, true)
    assert.equal(peer.consensus.getBlock(cidOfBlockKey(damaged)), undefined)
    assert.deepEqual(announced, [])
    assert.equal(peer.consensus.state.size(), 3)
    await peer.stop()
  })

  it('is marked dirty when a merge needs a stored block that is damaged', async () => {
    const key = pinKey(cidFor('contested'))
    const [lesser, greater] = ['a', 'b'].map(
      name => encodeCrdtBlock({ elements: [{ key, value: encodePin(pinFor('contested', { name })) }], tombstones: [], priority: 1 }, [])
    )
      .toSorted(
        (a, b) => Buffer.compare(a.delta.elements[0]?.value ?? assert.fail(), b.delta.elements[0]?.value ?? assert.fail())
      ) as [CrdtBlock, CrdtBlock]
    const removal = encodeCrdtBlock(
      { elements: [], tombstones: [{ key, id: blockKey(greater.cid) }], priority: 2 }, [lesser.cid, greater.cid]
    )
    const store = new CrdtStore({ datastore, log: silentLogger })
    await store.load()
    await store.applyAll([lesser, greater], { sync: false })
    await datastore.write([{ key: `b${blockKey(lesser.cid)}`, value: greater.bytes }])

    await assert.rejects(store.apply(removal, { sync: false }), { code: 'INVALID_DATA' })

    assert.equal(store.dirty, true)
    assert.equal((await crdtInfo(datastore)).dirty, true)
  })

  it('finds a lost head, which nobody links', async () => {
    const blocks = await blocksById()
    await datastore.write([{ key: `b${idAt(blocks, 3)}`, value: undefined }])
    await markDirty(datastore)
    const peer = crdtPeer({ datastore })
    await peer.start()

    await check(peer)

    assert.equal((await crdtInfo(datastore)).missing, 1)
    await peer.stop()
  })

  it('can be removed altogether', async () => {
    await cleanCrdt(datastore)
    const peer = crdtPeer({ datastore })
    await peer.start()

    assert.equal(peer.consensus.state.size(), 0)
    assert.deepEqual(peer.consensus.progress(), { heads: [], height: 0, dirty: false, behind: false, damaged: false })
    assert.equal(await jsonText(peer.consensus.state), '')
    await peer.consensus.put(pinFor('new'))
    assert.equal(peer.consensus.progress().height, 1)
    await peer.stop()
  })

  it('finishes a removal that was cut off', async () => {
    await datastore.write([{ key: '!cleaning', value: new Uint8Array(0) }])
    const peer = crdtPeer({ datastore })

    await peer.start()

    assert.equal(peer.consensus.state.size(), 0)
    assert.deepEqual(peer.consensus.progress().heads, [])
    await peer.stop()
  })

  it('of a newer layout is refused with the way out', async () => {
    await datastore.write([{ key: '!layout', value: new TextEncoder().encode('2') }])

    await assert.rejects(crdtPeer({ datastore }).start(), err => isClusterError(err, 'UNSUPPORTED') && err.message.includes('state export'))
  })
})
