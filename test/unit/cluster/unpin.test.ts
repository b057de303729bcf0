import assert from 'node:assert/strict'
import { encode } from '@ipld/dag-cbor'
import { describe, it } from 'node:test'
import type { CID } from '../../../src/model/cid.ts'
import { zeroTime } from '../../../src/model/time.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { aCid, aPeerId, aPin, blockOf } from '../../support/cluster/values.ts'
import { SimClock } from '../../support/sim-clock.ts'

const openCluster = clusterOpener()

const dagCbor = 0x71
const node = (links: CID[]): ReturnType<typeof blockOf> =>
  blockOf(encode(Object.fromEntries(links.map((link, at) => [String(at), link]))), dagCbor)

/** A pinset with a sharded item: two shards, below a node in between when `deep`. */
async function withSharded (deep = false, expireAt = zeroTime) {
  const made = await openCluster(1)
  const { peer } = made
  const shards = [aCid('shard 0'), aCid('shard 1')]
  const between = node(shards)
  const dag = deep ? node([between.cid]) : between
  const meta = aPin({ cid: aCid('root'), type: 'meta-pin', maxDepth: 0, reference: dag.cid, expireAt })
  await peer.ipfs.putBlocks((async function * () { yield [dag, between] })())
  await peer.consensus.put(meta)
  await peer.consensus.put(aPin({ cid: dag.cid, type: 'clusterdag-pin', maxDepth: 0, reference: meta.cid, expireAt }))
  for (const cid of shards) await peer.consensus.put(aPin({ cid, type: 'shard-pin', maxDepth: 1, expireAt }))
  await peer.consensus.put(aPin({ cid: aCid('other') }))
  return { ...made, meta, dag, shards }
}

describe('unpin', () => {
  it('says what is not pinned', async () => {
    const { cluster } = await withSharded()

    const unpinning = cluster.unpin(aCid('nothing'))

    await assert.rejects(unpinning, { code: 'NOT_PINNED', message: 'pin is not part of the pinset' })
  })

  it('gives the pin that was removed', async () => {
    const { cluster, pinset } = await withSharded()

    const removed = await cluster.unpin(aCid('other'))

    assert.equal(removed.type, 'pin')
    assert.ok(!pinset.pins.has(aCid('other').toString()))
  })

  it('refuses shards and cluster DAGs by themselves', async () => {
    const { cluster, shards, dag, pinset } = await withSharded()

    const shard = cluster.unpin(shards[0] ?? aCid())
    const clusterDag = cluster.unpin(dag.cid)

    await assert.rejects(shard, { code: 'PIN_REFUSED', message: 'cannot unpin a shard directly. Unpin content root CID instead' })
    await assert.rejects(clusterDag, {
      code: 'PIN_REFUSED', message: 'cannot unpin a Cluster DAG directly. Unpin content root CID instead'
    })
    assert.equal(pinset.pins.size, 5)
  })

  for (const deep of [false, true]) {
    it(`takes a meta-pin's shards and cluster DAG along${deep ? ', also below nodes in between' : ''}`, async () => {
      const { cluster, meta, pinset } = await withSharded(deep)

      const removed = await cluster.unpin(meta.cid)

      assert.equal(removed.type, 'meta-pin')
      assert.deepEqual([...pinset.pins.keys()], [aCid('other').toString()])
    })
  }

  it('goes on where a try before was cut off', async () => {
    const { cluster, peer, meta, shards, pinset } = await withSharded()
    await peer.consensus.remove(shards[0] ?? aCid())

    await cluster.unpin(meta.cid)

    assert.deepEqual([...pinset.pins.keys()], [aCid('other').toString()])
  })

  it('takes each shard away once, however often nodes and shards are linked', async () => {
    const { cluster, peer, shards, pinset } = await withSharded()
    const between = node(Array.from({ length: 100 }, (_, n) => shards[n % 2] ?? aCid()))
    const dag = node(Array.from({ length: 100 }, () => between.cid))
    const meta = aPin({ cid: aCid('linked often'), type: 'meta-pin', maxDepth: 0, reference: dag.cid })
    await peer.ipfs.putBlocks((async function * () { yield [dag, between] })())
    await peer.consensus.put(meta)
    const removed: string[] = []
    const remove = peer.consensus.remove.bind(peer.consensus)
    peer.consensus.remove = async cid => {
      removed.push(cid.toString())
      return remove(cid)
    }

    await cluster.unpin(meta.cid)

    assert.deepEqual(removed, [...shards, dag.cid, meta.cid].map(String))
    assert.ok(!pinset.pins.has(meta.cid.toString()))
  })

  for (const [links, outcome] of [[16_666, 'is taken'], [16_667, 'is refused, and nothing is changed']] as const) {
    it(`a node of a cluster DAG with ${links} links ${outcome}`, async () => {
      const { cluster, peer, pinset } = await withSharded()
      const dag = node(Array.from({ length: links }, () => aCid('absent')))
      const meta = aPin({ cid: aCid('wide'), type: 'meta-pin', maxDepth: 0, reference: dag.cid })
      await peer.ipfs.putBlocks((async function * () { yield [dag] })())
      await peer.consensus.put(meta)

      const code = await cluster.unpin(meta.cid).then(() => 'taken', (err: { code: string }) => err.code)

      assert.deepEqual([code, pinset.pins.has(meta.cid.toString())], links === 16_666 ? ['taken', false] : ['INVALID_DATA', true])
    })
  }

  it('changes nothing when the cluster DAG cannot be read', async () => {
    const { cluster, peer, meta, pinset } = await withSharded()
    peer.ipfs.blocks.clear()

    const unpinning = cluster.unpin(meta.cid)

    await assert.rejects(unpinning, { code: 'BLOCK_MISSING' })
    assert.equal(pinset.pins.size, 5)
  })
})

describe('the expiry of a sharded item', () => {
  const expireAt = new SimClock().now() + 60_000
  const untilExpiryMs = 300_000

  it('takes its parts along', async () => {
    const { clock, pinset } = await withSharded(true, expireAt)

    await clock.advance(untilExpiryMs)

    assert.deepEqual([...pinset.pins.keys()], [aCid('other').toString()])
  })

  it('keeps the rest, for the next time, when a part is changed meanwhile', async () => {
    const { peer: { consensus }, clock, meta, dag, shards: [shard = aCid()], pinset } = await withSharded(false, expireAt)
    const removeIf = consensus.removeIf.bind(consensus)
    consensus.removeIf = async pin => {
      if (pin.cid.equals(shard)) await consensus.put({ ...pin, allocations: [aPeerId(1)] })
      return removeIf(pin)
    }

    await clock.advance(untilExpiryMs)

    const kept = [...pinset.pins.keys()]
    consensus.removeIf = removeIf
    await clock.advance(untilExpiryMs)
    assert.deepEqual(kept, [meta.cid, dag.cid, shard, aCid('other')].map(String))
    assert.deepEqual([...pinset.pins.keys()], [aCid('other').toString()])
  })

  it('spares parts that something else needs for longer', async () => {
    const { peer: { consensus }, clock, shards: [shard = aCid()], pinset } = await withSharded(false, expireAt)
    await consensus.put(aPin({ cid: shard, type: 'shard-pin', maxDepth: 1 }))

    await clock.advance(untilExpiryMs)

    assert.deepEqual([...pinset.pins.keys()], [shard, aCid('other')].map(String))
  })
})
