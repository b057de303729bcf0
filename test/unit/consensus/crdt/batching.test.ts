import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { crdtBlocks } from '../../../../src/consensus/crdt/maintenance.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import type { Datastore } from '../../../../src/datastore/datastore.ts'
import { crdtTopic, encodeHeads } from '../../../../src/wire/broadcast.ts'
import type { CrdtBlock } from '../../../../src/wire/crdt-block.ts'
import { pinKey } from '../../../../src/wire/pin-key.ts'
import { pinBlock } from '../../../support/crdt-dag.ts'
import { clusterName, crdtPeer } from '../../../support/crdt-peer.ts'
import { cidFor, jsonText, namesByCid, pinFor } from '../../../support/pins.ts'
import { SeededRandom, SimClock } from '../../../support/sim-clock.ts'
import { SimDisk } from '../../../support/sim-disk.ts'
import { SimGossip } from '../../../support/sim-gossip.ts'

const batching = { maxBatchSize: 3, maxBatchAgeMs: 1000, maxQueueSize: 100 }

/** Elements and tombstones of each block, by height. */
async function blocks (datastore: Datastore): Promise<string[]> {
  const found: Array<[number, string]> = []
  for await (const { delta } of crdtBlocks(datastore)) found.push([delta.priority, `${delta.elements.length}+${delta.tombstones.length}`])
  return found.toSorted(([a], [b]) => a - b).map(([, text]) => text)
}

describe('batching', () => {
  it('shows a change at once and writes the block when enough have come', async () => {
    const datastore = memoryDatastore()
    const peer = crdtPeer({ datastore, batching })
    await peer.start()

    await peer.consensus.put(pinFor('one'))
    await peer.consensus.put(pinFor('two'))

    assert.deepEqual(await blocks(datastore), [])
    assert.equal(peer.consensus.state.size(), 2)
    assert.equal(peer.consensus.state.get(cidFor('two'))?.name, 'two')
    assert.equal((await jsonText(peer.consensus.state)).split('\n').length, 3)
    await peer.consensus.put(pinFor('three'))
    await peer.consensus.put(pinFor('four'))
    assert.deepEqual(await blocks(datastore), ['3+0'])
    await peer.stop()
  })

  it('writes the block when the first change is old enough', async () => {
    const [datastore, clock] = [memoryDatastore(), new SimClock()]
    const peer = crdtPeer({ datastore, batching, clock })
    await peer.start()
    await peer.consensus.put(pinFor('one'))
    await clock.advance(900)
    await peer.consensus.put(pinFor('two'))

    await clock.advance(101)

    assert.deepEqual(await blocks(datastore), ['2+0'])
    await peer.consensus.put(pinFor('three'))
    await clock.advance(1001)
    assert.deepEqual(await blocks(datastore), ['2+0', '1+0'])
    await peer.stop()
  })

  it('writes the rest when it stops', async () => {
    const datastore = memoryDatastore()
    const peer = crdtPeer({ datastore, batching })
    await peer.start()
    await peer.consensus.put(pinFor('one'))

    await peer.stop()

    await datastore.start(new AbortController().signal)
    assert.deepEqual(await blocks(datastore), ['1+0'])
  })

  it('drops a pending pin that is removed, without any block', async () => {
    const [datastore, clock] = [memoryDatastore(), new SimClock()]
    const peer = crdtPeer({ datastore, batching, clock })
    await peer.start()
    await peer.consensus.put(pinFor('one'))

    await peer.consensus.remove(cidFor('one'))
    await clock.advance(5000)

    assert.deepEqual(await blocks(datastore), [])
    assert.equal(peer.consensus.state.size(), 0)
    assert.equal(clock.pending, 0)
    await peer.stop()
  })

  it('keeps one element per pin, and tombstones what was stored', async () => {
    const [datastore, clock] = [memoryDatastore(), new SimClock()]
    const peer = crdtPeer({ datastore, batching, clock })
    await peer.start()
    await peer.consensus.put(pinFor('one'))
    await clock.advance(1001)

    await peer.consensus.put(pinFor('one', { name: 'second' }))
    await peer.consensus.remove(cidFor('one'))
    assert.equal(peer.consensus.state.has(cidFor('one')), false)
    await peer.consensus.put(pinFor('one', { name: 'third' }))
    await peer.consensus.put(pinFor('one', { name: 'fourth' }))
    await clock.advance(1001)

    assert.deepEqual(await blocks(datastore), ['1+0', '1+1'])
    assert.equal(peer.consensus.state.get(cidFor('one'))?.name, 'fourth')
    await peer.stop()
  })

  it('has what it acknowledged after a power failure, and writes its block then', async () => {
    const [disk, clock] = [new SimDisk(), new SimClock()]
    const peer = crdtPeer({ datastore: disk.datastore(), batching, clock })
    await peer.start()
    await peer.consensus.put(pinFor('one'))
    await peer.consensus.put(pinFor('two'))
    disk.crash()
    const again = crdtPeer({ datastore: disk.datastore(), batching, clock })
    await again.start()

    assert.deepEqual(Object.values(await namesByCid(again.consensus.state)).toSorted(), ['one', 'two'])
    await clock.settle()
    assert.deepEqual(await blocks(again.datastore), ['2+0'])
    await again.stop()
  })

  it('takes an old journal as older than what comes after batching has been turned off', async () => {
    const disk = new SimDisk()
    const peer = crdtPeer({ datastore: disk.datastore(), batching })
    await peer.start()
    await peer.consensus.put(pinFor('one', { name: 'old' }))
    disk.crash()
    const again = crdtPeer({ datastore: disk.datastore() })
    await again.start()

    await again.consensus.put(pinFor('one', { name: 'new' }))

    assert.equal(again.consensus.state.get(cidFor('one'))?.name, 'new')
    assert.deepEqual(await blocks(again.datastore), ['1+0', '1+0'])
    await again.stop()
  })

  it('writes an old journal at once when batching has been turned off', async () => {
    const [disk, clock] = [new SimDisk(), new SimClock()]
    const peer = crdtPeer({ datastore: disk.datastore(), batching, clock })
    await peer.start()
    await peer.consensus.put(pinFor('one'))
    disk.crash()
    const again = crdtPeer({ datastore: disk.datastore(), clock })

    await again.start()
    await clock.settle()

    assert.deepEqual(await blocks(again.datastore), ['1+0'])
    await again.stop()
  })

  it('refuses more than may wait', async () => {
    const peer = crdtPeer({ datastore: memoryDatastore(), batching: { maxBatchSize: 100, maxBatchAgeMs: 1000, maxQueueSize: 2 } })
    await peer.start()
    await peer.consensus.put(pinFor('one'))
    await peer.consensus.put(pinFor('two'))

    await assert.rejects(peer.consensus.put(pinFor('three')), err => isClusterError(err, 'QUEUE_FULL'))

    assert.equal(peer.consensus.state.size(), 2)
    await peer.stop()
  })
})

describe('a change in the journal that was made for a certain pin', () => {
  const [seen, theirs] = [pinBlock([], 'one'), pinBlock([pinBlock([], 'one')], 'one', 'theirs')]

  /** A peer that has the pin `one`; `tell` brings it another peer's version. */
  const open = async () => {
    const [clock, datastore] = [new SimClock(), memoryDatastore()]
    const gossip = new SimGossip({ maxDelayMs: 1, loss: 0 }, { clock, random: new SeededRandom(1) })
    const peer = crdtPeer({ datastore, clock, batching, ...gossip.join('self', () => undefined) })
    const tell = async (block: CrdtBlock): Promise<void> => {
      gossip.inject({ from: 'writer', data: encodeHeads([block.cid]) }, crdtTopic(clusterName))
      await clock.until(() => peer.consensus.hasBlock(block.cid))
    }
    gossip.join('writer', cid => [seen, theirs].find(block => block.cid.equals(cid))?.bytes)
    await peer.start()
    await tell(seen)
    return { ...peer, clock, tell, name: () => peer.consensus.state.get(cidFor('one'))?.name }
  }

  it('gets its block', async () => {
    const { consensus, datastore, clock, stop, name } = await open()

    const isDone = await consensus.removeIf(pinFor('one'))
    const shown = name()
    await clock.advance(1001)

    assert.deepEqual([isDone, shown, name(), await blocks(datastore)], [true, undefined, undefined, ['1+0', '0+1']])
    await stop()
  })

  for (const kind of ['discard', 'replace'] as const) {
    it(`gives way to what others have made of the pin since (${kind})`, async () => {
      const { consensus, datastore, clock, stop, tell, name } = await open()
      if (kind === 'discard') await consensus.removeIf(pinFor('one'))
      else await consensus.replaceIf(pinFor('one'), pinFor('one', { name: 'ours' }))
      const told: Array<string | undefined> = []
      consensus.onChange(changes => told.push(...changes.map(({ pin }) => pin?.name)))

      await tell(theirs)
      await clock.advance(1001)

      assert.deepEqual([name(), told, await blocks(datastore)], ['theirs', ['theirs'], ['1+0', '1+0']])
      await stop()
    })
  }

  it('leaves behind the change that it came after', async () => {
    const { consensus, clock, stop, tell, name } = await open()
    await consensus.put(pinFor('one', { name: 'wished' }))
    await consensus.replaceIf(pinFor('one', { name: 'wished' }), pinFor('one', { name: 'moved' }))

    await tell(theirs)
    await clock.advance(1001)

    assert.equal(name(), 'wished')
    await stop()
  })

  it('holds in any case once it is changed again', async () => {
    const { consensus, clock, stop, tell, name } = await open()
    await consensus.removeIf(pinFor('one'))
    await consensus.put(pinFor('one', { name: 'wished' }))

    await tell(theirs)
    await clock.advance(1001)

    assert.equal(name(), 'wished')
    await stop()
  })

  it('gets its block at the next start, before others are heard', async () => {
    const [disk, clock] = [new SimDisk(), new SimClock()]
    const peer = crdtPeer({ datastore: disk.datastore(), batching, clock })
    await peer.start()
    await peer.consensus.put(pinFor('one'))
    await clock.advance(1001)
    await peer.consensus.removeIf(pinFor('one'))
    disk.crash()
    const again = crdtPeer({ datastore: disk.datastore(), batching, clock })

    await again.start()
    await clock.settle()

    assert.deepEqual(await blocks(again.datastore), ['1+0', '0+1'])
    await again.stop()
  })
})

for (const kind of ['discard', 'replace', 'discard of a replaced one'] as const) {
  describe(`a change that was made for a certain pin, and the peer was killed before its block (${kind})`, () => {
    const [seen, theirs] = [pinBlock([], 'one'), pinBlock([pinBlock([], 'one')], 'one', 'theirs')]

    const killed = async ({ told, wished = false }: { told: boolean, wished?: boolean }) => {
      const [disk, clock] = [new SimDisk(), new SimClock()]
      const gossip = new SimGossip({ maxDelayMs: 1, loss: 0 }, { clock, random: new SeededRandom(1) })
      const peer = crdtPeer({ datastore: disk.datastore(), clock, batching, ...gossip.join('self', () => undefined) })
      gossip.join('writer', cid => [seen, theirs].find(block => block.cid.equals(cid))?.bytes)
      const tell = async (block: CrdtBlock): Promise<void> => {
        gossip.inject({ from: 'writer', data: encodeHeads([block.cid]) }, crdtTopic(clusterName))
        await clock.until(() => peer.consensus.hasBlock(block.cid))
      }
      await peer.start()
      await tell(seen)
      const first = pinFor('one', { name: 'ours' })
      if (kind !== 'discard') await peer.consensus.replaceIf(pinFor('one'), first)
      if (kind !== 'replace') await peer.consensus.removeIf(kind === 'discard' ? pinFor('one') : first)
      if (wished) await peer.consensus.put(pinFor('one', { name: 'wished' }))
      if (told) await tell(theirs)
      // what others say isn't synced: the process was killed, the power stayed
      disk.crash(Infinity)
      const again = crdtPeer({ datastore: disk.datastore(), batching, clock })
      await again.start()
      await clock.settle()
      const found = { name: again.consensus.state.get(cidFor('one'))?.name, blocks: await blocks(again.datastore) }
      await again.stop()
      return found
    }

    it('gives way at the next start to what others had made of the pin', async () => {
      assert.deepEqual(await killed({ told: true }), { name: 'theirs', blocks: ['1+0', '1+0'] })
    })

    it('gets its block at the next start otherwise', async () => {
      const { name, blocks: [, own] } = await killed({ told: false })

      assert.deepEqual([name, own], kind === 'replace' ? ['ours', '1+0'] : [undefined, '0+1'])
    })

    it('is a wish that holds in any case once the pin was asked for again', async () => {
      assert.equal((await killed({ told: true, wished: true })).name, 'wished')
    })
  })
}

describe('group commit', () => {
  it('puts all that come at once into one block, and what comes meanwhile into the next', async () => {
    const datastore = memoryDatastore()
    const peer = crdtPeer({ datastore })
    await peer.start()

    await Promise.all(Array.from({ length: 20 }, async (_, at) => {
      await peer.consensus.put(pinFor(`first ${at}`))
      await peer.consensus.put(pinFor(`second ${at}`))
    }))

    assert.deepEqual(await blocks(datastore), ['20+0', '20+0'])
    await peer.stop()
  })

  it('changes nothing when the disk is full, and goes on afterwards', async () => {
    const disk = new SimDisk()
    const peer = crdtPeer({ datastore: disk.datastore() })
    await peer.start()
    await peer.consensus.put(pinFor('one'))
    const before = peer.consensus.progress()
    disk.full = true

    await assert.rejects(peer.consensus.put(pinFor('two')), err => isClusterError(err, 'STORAGE_FULL'))

    assert.deepEqual(peer.consensus.progress(), before)
    assert.equal(peer.consensus.state.size(), 1)
    disk.full = false
    await peer.consensus.put(pinFor('two'))
    assert.equal(peer.consensus.state.size(), 2)
    await peer.stop()
  })

  for (const kind of ['remove', 'discard'] as const) {
    it(`spreads a removal whose tombstones exceed one delta (${kind})`, async () => {
      const datastore = memoryDatastore()
      const peer = crdtPeer({ datastore })
      await peer.start()
      await peer.consensus.put(pinFor('one'))
      const id = `/CIQ${'A'.repeat(52)}`
      const versions = Array.from({ length: 12_000 }, (_, at) => ({
        key: `e${pinKeyOf('one')}${id.slice(0, -5)}${spell(at)}`, value: new TextEncoder().encode('0')
      }))
      await datastore.write(versions)

      const isDone = kind === 'remove' ? await peer.consensus.remove(cidFor('one')) : await peer.consensus.removeIf(pinFor('one'))

      assert.deepEqual([isDone, peer.consensus.state.size()], [kind === 'remove' ? undefined : true, 0])
      assert.equal((await blocks(datastore)).length, 3)
      await peer.stop()
    })
  }
})

const pinKeyOf = (text: string): string => pinKey(cidFor(text))

const spell = (at: number): string => String(at).replaceAll(/./g, digit => 'ABCDEFGHIJ'[Number(digit)] ?? 'A').padStart(5, 'A')
