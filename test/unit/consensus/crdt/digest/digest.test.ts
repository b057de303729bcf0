import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CID } from 'multiformats/cid'
import { create as multihash } from 'multiformats/hashes/digest'
import { silentLogger } from '../../../../../src/base/log.ts'
import type { Worker } from '../../../../../src/base/worker.ts'
import { CrdtStore } from '../../../../../src/consensus/crdt/crdt-store.ts'
import { cellOf } from '../../../../../src/consensus/crdt/digest/cells.ts'
import { DigestKey } from '../../../../../src/consensus/crdt/digest/digest-key.ts'
import { addPair, wordBytes, wordsOf } from '../../../../../src/consensus/crdt/digest/sums.ts'
import { allCells, cellsRecord, digestRecord, rowRecord, valueRecord } from '../../../../../src/consensus/crdt/layout.ts'
import { encodeValueRecord } from '../../../../../src/consensus/crdt/value-record.ts'
import type { Datastore } from '../../../../../src/datastore/datastore.ts'
import { memoryDatastore } from '../../../../support/memory-datastore.ts'
import { pinKey } from '../../../../../src/wire/pin-key.ts'
import { countedDigest } from '../../../../support/counted-digest.ts'
import { randomDag } from '../../../../support/crdt-dag.ts'
import { crdtPeer } from '../../../../support/crdt-peer.ts'
import type { CrdtPeer } from '../../../../support/crdt-peer.ts'
import { NotedLogger } from '../../../../support/noted-logger.ts'
import { cidFor, pinFor } from '../../../../support/pins.ts'
import { SimClock } from '../../../../support/sim-clock.ts'
import { Dice } from '../../../../sim/dice.ts'

const signal = new AbortController().signal

async function started (datastore = memoryDatastore(), more: Partial<Parameters<typeof crdtPeer>[0]> = {}): Promise<CrdtPeer> {
  const peer = crdtPeer({ datastore, ...more })
  await peer.start()
  return peer
}

const digestOf = ({ consensus }: CrdtPeer): string | undefined => consensus.digests.point()?.digest
const pointOf = ({ consensus }: CrdtPeer): unknown => JSON.parse(JSON.stringify(consensus.digests.point()))
const counting = ({ workers }: CrdtPeer): Worker => workers.find(({ name }) => name === 'pinset digest') as Worker

async function counted (peer: CrdtPeer): Promise<void> {
  while (digestOf(peer) == null) await counting(peer).work(signal)
}

/** Merges blocks in an order in which they could come. */
async function merged (blocks: ReturnType<typeof randomDag>, dice: Dice): Promise<Datastore & { store: CrdtStore }> {
  const datastore = memoryDatastore()
  await datastore.start(signal)
  const store = new CrdtStore({ datastore, log: silentLogger })
  await store.load()
  const left = [...blocks]
  while (left.length > 0) await store.applyAll(left.splice(0, 1 + Math.floor(dice.float() * 5)), { sync: false })
  return Object.assign(datastore, { store })
}

describe('the digest of the pinset', () => {
  it('is that of the rows, whatever was merged, and however it was cut into batches', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const blocks = randomDag(new Dice(seed), 40)
      const [one, other] = [await merged(blocks, new Dice(seed + 1000)), await merged(blocks, new Dice(seed + 2000))]

      assert.deepEqual(one.store.digest.total(), await countedDigest(one), `seed ${seed}`)
      assert.deepEqual(one.store.digest.total(), other.store.digest.total(), `seed ${seed}`)
    }
  })

  it('does not depend on the order in which pins came, and is another one for another value', async () => {
    const [one, other] = [await started(), await started()]
    const texts = Array.from({ length: 50 }, (_, at) => `pin ${at}`)
    for (const text of texts) await one.consensus.put(pinFor(text))
    for (const text of texts.toReversed()) await other.consensus.put(pinFor(text))
    assert.equal(digestOf(one), digestOf(other))

    await other.consensus.put(pinFor('pin 7', { name: 'another name' }))
    assert.notEqual(digestOf(one), digestOf(other))

    await other.consensus.put(pinFor('pin 7'))
    assert.equal(digestOf(one), digestOf(other))
  })

  it('of a pinset that is empty again is that of one that never had a pin', async () => {
    const [one, other] = [await started(), await started()]
    await one.consensus.put(pinFor('a'))

    await one.consensus.remove(cidFor('a'))

    assert.equal(digestOf(one), digestOf(other))
    assert.deepEqual(await one.consensus.digests.cells(), [])
  })

  it('does not count what waits in the journal for its block', async () => {
    const peer = await started(memoryDatastore(), { batching: { maxBatchSize: 10, maxBatchAgeMs: 60_000, maxQueueSize: 100 } })
    const before = digestOf(peer)

    await peer.consensus.put(pinFor('a'))

    assert.equal(peer.consensus.state.size(), 1)
    assert.equal(digestOf(peer), before)
  })

  it('is there after a restart without a look at the pinset', async () => {
    const datastore = memoryDatastore()
    const peer = await started(datastore)
    for (let at = 0; at < 200; at++) await peer.consensus.put(pinFor(`pin ${at}`))
    const before = pointOf(peer)
    await peer.consensus.stop()
    let rowsRead = 0
    const entries = datastore.entries.bind(datastore)
    datastore.entries = async function * (range, options) {
      for await (const rows of entries(range, options)) {
        if (range.from.startsWith('v')) rowsRead += rows.length
        yield rows
      }
    }

    const again = crdtPeer({ datastore })
    await again.consensus.start(signal)

    assert.deepEqual(pointOf(again), before)
    assert.equal(rowsRead, 0)
  })

  it('is counted anew when an older version went on with the pinset, while changes come', async () => {
    const datastore = memoryDatastore()
    const peer = await started(datastore)
    for (let at = 0; at < 3000; at++) await peer.consensus.put(pinFor(`pin ${at}`))
    await peer.consensus.stop()
    const old = datastore.get(digestRecord) as Uint8Array
    await peer.consensus.start(signal)
    await peer.consensus.put(pinFor('by the older version'))
    await peer.consensus.stop()
    await datastore.write([{ key: digestRecord, value: old }])

    const again = crdtPeer({ datastore })
    await again.consensus.start(signal)
    assert.equal(again.consensus.digests.point(), undefined)
    for (let at = 0; digestOf(again) == null; at++) {
      await counting(again).work(signal)
      await again.consensus.put(pinFor(`pin ${at * 997 % 3000}`, { name: 'changed meanwhile' }))
      await again.consensus.put(pinFor(`new ${at}`))
      await again.consensus.remove(cidFor(`pin ${at * 499 % 3000}`))
    }

    const { digest, pins } = again.consensus.digests.point() ?? {}
    assert.deepEqual({ pins, digest }, await countedDigest(datastore))
    assert.equal(pins, again.consensus.state.size())
  })

  it('is counted anew when the cluster has another secret, or none any more', async () => {
    const datastore = memoryDatastore()
    const [old, present] = [new DigestKey(new Uint8Array(32).fill(1)), new DigestKey(new Uint8Array(32).fill(2))]
    const peer = await started(datastore, { digestKey: old })
    for (let at = 0; at < 50; at++) await peer.consensus.put(pinFor(`pin ${at}`))
    assert.equal(digestOf(peer), (await countedDigest(datastore, old)).digest)
    await peer.consensus.stop()

    for (const digestKey of [present, new DigestKey(undefined)]) {
      const again = crdtPeer({ datastore, digestKey })
      await again.consensus.start(signal)
      assert.equal(again.consensus.digests.point(), undefined)
      await counted(again)

      assert.equal(digestOf(again), (await countedDigest(datastore, digestKey)).digest)
      await again.consensus.stop()
    }
  })

  it('is counted anew over the records of the version before, of which nothing is left', async () => {
    const datastore = memoryDatastore()
    const peer = await started(datastore)
    for (let at = 0; at < 50; at++) await peer.consensus.put(pinFor(`pin ${at}`))
    const before = pointOf(peer)
    await peer.consensus.stop()
    const rows: Array<[string, Uint8Array]> = []
    for await (const some of datastore.entries(allCells)) rows.push(...some)
    await datastore.write([
      ...rows.map(([key]) => ({ key, value: undefined })), { key: cellsRecord('/AFKREIAB'), value: new Uint8Array(36).fill(1) },
      { key: digestRecord, value: Uint8Array.from({ length: 545 }, (_, at) => at === 0 ? 1 : 7) }
    ])

    const again = crdtPeer({ datastore })
    await again.consensus.start(signal)
    assert.equal(again.consensus.digests.point(), undefined)
    await counted(again)

    assert.deepEqual(pointOf(again), before)
    assert.equal(datastore.get(cellsRecord('/AFKREIAB')), undefined)
    const written = new Map<string, Uint8Array>()
    for await (const some of datastore.entries(allCells)) for (const [key, row] of some) written.set(key, row)
    assert.deepEqual(written, new Map(rows))
  })

  it('is checked once a day: rows that changed on the disk are told, and count', async () => {
    const [datastore, clock] = [memoryDatastore(), new SimClock()]
    const log = new NotedLogger()
    const peer = await started(datastore, { clock, log })
    for (let at = 0; at < 100; at++) await peer.consensus.put(pinFor(`pin ${at}`))
    await counting(peer).work(signal)
    const key = pinKey(cidFor('pin 3'))
    await datastore.write([{
      key: valueRecord(key),
      value: encodeValueRecord({ version: { priority: 3, value: Buffer.from([1]) }, isPin: false, overlay: undefined })
    }])
    const before = digestOf(peer)

    await counting(peer).work(signal)
    assert.equal(digestOf(peer), before, 'not yet a day')
    await clock.advance(86_400_000)
    await counting(peer).work(signal)
    await counted(peer)

    assert.equal(digestOf(peer), (await countedDigest(datastore)).digest)
    assert.notEqual(digestOf(peer), before)
    assert.ok(log.lines.some(({ level, message }) => level === 'error' && message.includes('not what was written')))
  })

  it('is counted without values that can not be read, says so, and is whole again when they are derived anew', async () => {
    const [datastore, log] = [memoryDatastore(), new NotedLogger()]
    const first = await started(datastore)
    for (let at = 0; at < 20; at++) await first.consensus.put(pinFor(`pin ${at}`))
    await counted(first)
    const whole = pointOf(first)
    await first.consensus.stop()
    const key = pinKey(cidFor('pin 3'))
    await datastore.write([{ key: valueRecord(key), value: Buffer.from([0xff, 0xff]) }, { key: digestRecord, value: undefined }])

    const peer = await started(datastore, { log })
    await counted(peer)
    const without = peer.consensus.digests.point()?.pins
    await peer.consensus.digests.mergeAgain([key])

    assert.equal(without, 19)
    assert.deepEqual(log.lines.filter(({ level }) => level === 'error').map(({ message }) => message.split('.')[0]), [
      '1 values of the pinset can not be read'
    ])
    assert.deepEqual(pointOf(peer), whole)
  })

  it('comes back with the number of pins when values that are gone from the disk are derived anew', async () => {
    const datastore = memoryDatastore()
    const first = await started(datastore)
    for (let at = 0; at < 20; at++) await first.consensus.put(pinFor(`pin ${at}`))
    await counted(first)
    const whole = pointOf(first)
    await first.consensus.stop()
    const keys = [3, 7].map(at => pinKey(cidFor(`pin ${at}`)))
    const row = datastore.get(rowRecord(keys[1] ?? ''))
    await datastore.write([...keys.map(key => ({ key: valueRecord(key), value: undefined })), { key: digestRecord, value: undefined }])

    const peer = await started(datastore)
    await counted(peer)
    const without = peer.consensus.digests.point()?.pins
    const { repaired } = await peer.consensus.digests.mergeAgain(keys)

    assert.deepEqual([without, repaired.length, peer.consensus.state.size()], [18, 2, 20])
    assert.deepEqual(pointOf(peer), whole)
    assert.deepEqual(datastore.get(rowRecord(keys[1] ?? '')), row)
  })

  it('is counted anew when a value is written over one that the disk has spoilt since: nobody knows what that was', async () => {
    const datastore = memoryDatastore()
    const before = await started(datastore)
    for (let at = 0; at < 20; at++) await before.consensus.put(pinFor(`pin ${at}`))
    await before.consensus.stop()
    await datastore.write([{ key: valueRecord(pinKey(cidFor('pin 3'))), value: Buffer.from([0xff, 0xff]) }])
    const peer = crdtPeer({ datastore })
    await peer.consensus.start(signal)
    assert.notEqual(digestOf(peer), undefined)

    await peer.consensus.put(pinFor('pin 3', { name: 'again' }))
    const between = [digestOf(peer), datastore.get(digestRecord)]
    await counted(peer)

    assert.deepEqual(between, [undefined, undefined])
    assert.deepEqual({ digest: digestOf(peer), pins: peer.consensus.digests.point()?.pins }, await countedDigest(datastore))
    assert.equal(peer.consensus.digests.point()?.pins, 20)
  })

  it('is right when that happens in the middle of a count', async () => {
    const datastore = memoryDatastore()
    const before = await started(datastore)
    for (let at = 0; at < 3000; at++) await before.consensus.put(pinFor(`pin ${at}`))
    await before.consensus.stop()
    await datastore.write([{ key: digestRecord, value: undefined }])
    const peer = crdtPeer({ datastore })
    await peer.consensus.start(signal)
    await counting(peer).work(signal)

    for (let at = 0; at < 20; at++) {
      await datastore.write([{ key: valueRecord(pinKey(cidFor(`pin ${at}`))), value: Buffer.from([0xff, 0xff]) }])
      if (at % 2 === 0) await counting(peer).work(signal)
      await peer.consensus.put(pinFor(`pin ${at}`, { name: 'again' }))
    }
    await counted(peer)

    assert.deepEqual({ digest: digestOf(peer), pins: peer.consensus.digests.point()?.pins }, await countedDigest(datastore))
  })
})

describe('parts of the digest', () => {
  const kinds = [
    (digest: Uint8Array) => CID.createV0(multihash(0x12, digest) as never),
    (digest: Uint8Array) => CID.createV1(0x70, multihash(0x12, digest)),
    (digest: Uint8Array) => CID.createV1(0x55, multihash(0x12, digest)),
    (digest: Uint8Array) => CID.createV1(0x55, multihash(0x1e, digest)),
    (digest: Uint8Array) => CID.createV1(0x129, multihash(0x12, digest)),
    (digest: Uint8Array) => CID.createV1(0x55, multihash(0, digest.subarray(0, 5)))
  ]

  it('has few cells whatever is pinned, and those of common CIDs lie evenly', () => {
    const dice = new Dice(1)
    const counts = kinds.map(kind => new Set(Array.from({ length: 5000 }, () => cellOf(pinKey(kind(dice.bytes(32)))))).size)

    assert.deepEqual(counts, [512, 256, 256, 1, 1, 1])
  })

  it('cells, groups and keys are those of the same pairs', async () => {
    const dice = new Dice(2)
    const peer = await started()
    for (let at = 0; at < 300; at++) {
      const cid = (kinds[at % kinds.length] as (typeof kinds)[0])(dice.bytes(32))
      await peer.consensus.put({ ...pinFor(`pin ${at}`), cid })
    }
    const { digests } = peer.consensus

    const cells = await digests.cells()
    const keys = await digests.keys(cells.map(({ prefix }) => prefix))
    const groups = await digests.groups(cells.map(({ prefix }) => ({ prefix, depth: prefix.length })))

    assert.equal(cells.reduce((sum, { pins }) => sum + pins, 0), 300)
    assert.deepEqual(groups, cells)
    assert.equal(new Set(keys.map(({ key }) => key)).size, 300)
    assert.deepEqual(await digests.groups([{ prefix: '/', depth: 60 }]), [], 'what belongs to longer cells is asked for by them')
  })
})

describe('the key of a digest', () => {
  const secret = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
  const value = Buffer.from('value')
  const hex = (words: Int32Array): string => Buffer.from(wordBytes(Int32Array.from(words))).toString('hex')

  it('gives the same everywhere: recorded hashes and digests', () => {
    const [closed, open] = [new DigestKey(secret(7)), new DigestKey(undefined)]

    assert.equal(hex(closed.pair('/AFKREIA', value)), '2068d8b689b541f01f1dbffb821cd61c')
    assert.equal(closed.told(closed.sumOf('/AFKREIA', value)), '20959433f84b055cdde1fdb19424585b33de5ef243a56c31068ef7bb028948c8')
    assert.equal(open.short(open.sumOf('/AFKREIA', value)), 'ygiPro2WNvt6cc2w')
  })

  it('takes the key from the value', () => {
    const key = new DigestKey(secret(7))

    assert.notEqual(hex(key.pair('/AB', Buffer.from('C'))), hex(key.pair('/A', Buffer.from('BC'))))
    assert.notEqual(hex(key.pair('/A', Buffer.from([0]))), hex(key.pair('/A', Buffer.alloc(0))))
  })

  it('is another one for another secret, in all that is made with it', () => {
    const kinds = [new DigestKey(secret(7)), new DigestKey(secret(8)), new DigestKey(undefined), new DigestKey(new Uint8Array(32))]
    const sum = Int32Array.of(1, 2, 3, 4, 5)

    for (const made of [
      kinds.map(({ id }) => Buffer.from(id).toString('hex')), kinds.map(key => hex(key.pair('/A', value))),
      kinds.map(key => key.told(sum)), kinds.map(key => key.short(sum))
    ]) assert.equal(new Set(made).size, kinds.length)
  })

  it('shows no sum to who is told a digest of it', () => {
    const key = new DigestKey(secret(7))
    const sum = key.sumOf('/A', value)
    const told = [key.told(sum), Buffer.from(key.short(sum), 'base64').toString('hex')]

    for (const text of told) assert.ok(text.length >= 24 && !text.includes(hex(sum).slice(8, 16)), text)
    assert.notEqual(key.told(sum), key.told(Int32Array.from(sum, (word, at) => at === 0 ? 2 : word)), 'the number of pairs counts')
  })
})

describe('sums of pairs', () => {
  it('are those of their numbers of 32 bits, each by itself, wherever they stand', () => {
    const dice = new Dice(3)
    for (let round = 0; round < 200; round++) {
      const [sums, hash] = [wordsOf(dice.bytes(60)), wordsOf(dice.bytes(16))]
      const was = [...sums]

      addPair(sums, { at: 5, by: 1, hash })
      const added = [1, ...hash].map((number, at) => ((was[5 + at] as number) + number) | 0)
      assert.deepEqual([...sums], [...was.slice(0, 5), ...added, ...was.slice(10)])
      addPair(sums, { at: 5, by: -1, hash })
      assert.deepEqual([...sums], was)
      addPair(sums, { at: 5, by: -1, hash })
      assert.deepEqual([...sums.subarray(5, 10)], [1, ...hash].map((number, at) => ((was[5 + at] as number) - number) | 0))
    }
  })

  it('are read from rows that lie anywhere in their buffer', () => {
    const bytes = Buffer.from([9, 1, 0, 0, 0, 255, 255, 255, 255])

    assert.deepEqual([...wordsOf(bytes.subarray(1))], [1, -1])
    assert.deepEqual(Buffer.from(wordBytes(wordsOf(bytes.subarray(1)))), bytes.subarray(1))
  })
})
