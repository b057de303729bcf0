import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { CrdtStore } from '../../../../src/consensus/crdt/crdt-store.ts'
import { markClean } from '../../../../src/consensus/crdt/maintenance.ts'
import { damageRow } from '../../../../src/datastore/datastore.ts'
import type { Datastore } from '../../../../src/datastore/datastore.ts'
import { offlineBroadcast, offlineExchange } from '../../../../src/network/offline/offline.ts'
import { encodeHeads } from '../../../../src/wire/broadcast.ts'
import { blockKey } from '../../../../src/wire/crdt-block.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { headsOf, pinChain, randomDag } from '../../../support/crdt-dag.ts'
import { crdtPeer } from '../../../support/crdt-peer.ts'
import { pollUntil } from '../../../support/poll.ts'
import { cidFor, pinFor } from '../../../support/pins.ts'

const signal = new AbortController().signal
const report = Buffer.from(JSON.stringify({
  at: '2026-01-01T00:00:00.000Z', folder: '/f', keptAt: '/f.damaged', what: 'x', rows: 1, doubtful: 0
}))

/** The same dice for the same seed. */
function dice (seed: number): { float (): number, bytes (length: number): Uint8Array } {
  let state = seed + 1
  return {
    float: () => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return state / 2 ** 32 }, bytes: length => new Uint8Array(length)
  }
}

async function rowsOf (datastore: Datastore): Promise<Map<string, string>> {
  const rows = new Map<string, string>()
  for await (const batch of datastore.entries({ from: '!', before: '~' })) {
    for (const [key, value] of batch) rows.set(key, Buffer.from(value).toString('latin1'))
  }
  for (const key of ['!damaged', damageRow]) rows.delete(key)
  return rows
}

async function filled (blocks: ReturnType<typeof randomDag>): Promise<Datastore> {
  const datastore = memoryDatastore()
  await datastore.start(signal)
  const store = new CrdtStore({ datastore, log: silentLogger })
  await store.load()
  for (const block of blocks) await store.apply(block, { sync: true })
  return datastore
}

describe('the pinset built anew', () => {
  it('is what it was, whichever derived rows are lost or wrong', async () => {
    for (let seed = 0; seed < 8; seed++) {
      const random = dice(seed)
      const datastore = await filled(randomDag(random, 30))
      const before = await rowsOf(datastore)
      // of several values in one block the stored one can't be told any more
      const derived = [...before.keys()].filter(key => !/^[bv]/.test(key) && key !== '!layout')
      await datastore.write(derived.filter(() => random.float() < 0.3).map(key => ({ key, value: undefined })))
      await datastore.write([{ key: damageRow, value: report }])
      const store = new CrdtStore({ datastore, log: silentLogger })

      await store.load()
      store.digest.beginCount()
      while (!await store.digest.countSlice()) { /* goes on */ }
      await store.digest.endCount(store.heads.keys())

      const root = (rows: Map<string, string>): Array<[string, string]> =>
        [...rows].map(([key, value]) => [key, key.startsWith('w') ? '' : value])
      assert.deepEqual(root(await rowsOf(datastore)), root(before), `seed ${seed}`)
      assert.equal(store.damage?.pinsBefore == null || store.damage.pinsBefore === store.size, true)
    }
  })

  it('keeps what lost blocks had brought, and puts them on record as missing', async () => {
    const blocks = pinChain(10, 'pin')
    const datastore = await filled(blocks)
    const lost = blocks[4]
    const key = [...(await rowsOf(datastore)).keys()].filter(one => one.startsWith('b'))
    const record = key.find(one => Buffer.from(datastore.get(one) ?? []).equals(lost?.bytes ?? Buffer.alloc(0))) ?? ''
    const damaged = Uint8Array.from(lost?.bytes ?? [])
    damaged[20] = (damaged[20] ?? 0) ^ 1
    await datastore.write([{ key: record, value: damaged }, { key: damageRow, value: report }])
    const store = new CrdtStore({ datastore, log: silentLogger })

    await store.load()

    assert.equal(store.size, 10)
    assert.deepEqual([...store.missing.values()].map(({ cid }) => cid.toString()), [lost?.cid.toString()])
    assert.equal(store.damage?.lostBlocks, 1)
    assert.equal(datastore.has(record), false)
  })

  it('keeps a lost head as head and on record, so that the next change is above what it brought', async () => {
    for (const what of [['b'], ['b', 'h'], ['b', 'm'], ['b', 'e']]) {
      const blocks = pinChain(3, 'pin')
      const datastore = await filled(blocks)
      const [head, priority] = [...(await rowsOf(datastore))].find(([key]) => key.startsWith('h')) ?? ['', '']
      const id = head.slice(1)
      const gone = [...(await rowsOf(datastore)).keys()].filter(key => key.endsWith(id) && what.includes(key.slice(0, 1)))
      await datastore.write([...gone.map(key => ({ key, value: undefined })), { key: damageRow, value: report }])
      const store = new CrdtStore({ datastore, log: silentLogger })

      await store.load()

      assert.equal(gone.length, what.length)
      assert.equal(Buffer.from(datastore.get(head) ?? []).toString(), priority, String(what))
      assert.equal(datastore.get(`w${id}`) != null, true)
      assert.equal(store.damage?.lostBlocks, 1)
    }
  })

  it('has the same head again when lost blocks come back, in any order', async () => {
    for (const order of [[2], [1], [1, 2], [2, 1], [0, 1, 2], [2, 0, 1]]) {
      const blocks = pinChain(3, 'pin')
      const datastore = await filled(blocks)
      const ids = order.map(n => blockKey(blocks[n]?.cid ?? assert.fail()))
      const gone = [...(await rowsOf(datastore)).keys()].filter(key => /^[bhe]/.test(key) && ids.some(id => key.endsWith(id)))
      await datastore.write([...gone.map(key => ({ key, value: undefined })), { key: damageRow, value: report }])
      const store = new CrdtStore({ datastore, log: silentLogger })
      await store.load()

      for (const n of order) await store.apply(blocks[n] ?? assert.fail(), { sync: true })

      const head = blockKey(blocks[2]?.cid ?? assert.fail())
      assert.deepEqual([[...store.heads.keys()], store.height(), store.missing.size], [[head], 3, 0], String(order))
    }
  })

  it('puts the next change above what it replaces while heads are lost', async () => {
    const datastore = await filled(pinChain(3, 'pin'))
    const heads = [...(await rowsOf(datastore)).keys()].filter(key => key.startsWith('h'))
    const damage = { ...JSON.parse(report.toString()), lostBlocks: 1, pins: 3, pinsBefore: 3 }
    await datastore.write([
      ...heads.map(key => ({ key, value: undefined })), { key: '!damaged', value: Buffer.from(JSON.stringify(damage)) }
    ])
    const peer = crdtPeer({ datastore })
    const told: Array<string | undefined> = []
    peer.consensus.onChange(changes => { told.push(...changes.map(({ pin }) => pin?.name)) })
    await peer.start()

    await peer.consensus.put(pinFor('pin 2', { name: 'new' }))

    assert.deepEqual([heads.length, peer.consensus.state.get(cidFor('pin 2'))?.name, told], [1, 'new', ['new']])
    await peer.stop()
  })

  it('keeps the changes that wait for a block', async () => {
    const datastore = memoryDatastore()
    const batching = { maxBatchSize: 100, maxBatchAgeMs: 1e9, maxQueueSize: 1000 }
    const peer = crdtPeer({ datastore, batching })
    await peer.start()
    await peer.consensus.put(pinFor('waits', { name: 'w' }))
    await datastore.write([{ key: damageRow, value: report }])
    const store = new CrdtStore({ datastore, log: silentLogger })

    await store.load()

    assert.equal(store.size, 1)
    assert.deepEqual([...store.journaled].length, 1)
  })

  it('keeps a change that waits for a block above what it was made over, when that was lost without a trace and comes back', async () => {
    const blocks = pinChain(3, 'pin')
    const datastore = await filled(blocks)
    const batching = { maxBatchSize: 100, maxBatchAgeMs: 1e9, maxQueueSize: 1000 }
    const before = crdtPeer({ datastore, batching })
    await before.start()
    await before.consensus.remove(cidFor('pin 2'))
    await before.consensus.put(pinFor('pin 1', { name: 'a' }))
    const ids = blocks.slice(1).map(({ cid }) => blockKey(cid))
    const traces = [...(await rowsOf(datastore)).keys()].filter(key => !key.startsWith('q') && ids.some(id => key.endsWith(id)))
    await datastore.write([...traces.map(key => ({ key, value: undefined })), { key: damageRow, value: report }])
    const peer = crdtPeer({
      datastore,
      batching,
      exchange: { ...offlineExchange(), fetch: async cid => blocks.find(block => block.cid.equals(cid))?.bytes ?? assert.fail() },
      broadcast: {
        ...offlineBroadcast(),
        subscribe: (_topic, heard) => {
          setImmediate(() => heard({ from: 'other', data: encodeHeads(headsOf(blocks[2])) }))
          return () => {}
        }
      }
    })

    await peer.start()
    await pollUntil(() => blocks.every(({ cid }) => peer.consensus.hasBlock(cid)))
    await pollUntil(async () => [...(await rowsOf(datastore)).keys()].every(key => !key.startsWith('q')))

    assert.equal(peer.consensus.state.has(cidFor('pin 2')), false)
    assert.equal(peer.consensus.state.get(cidFor('pin 1'))?.name, 'a')
    await peer.stop()
  })

  it('is told until a trusted peer has named heads that are here, or the operator has seen it', async () => {
    const datastore = await filled(pinChain(3, 'pin'))
    await datastore.write([{ key: damageRow, value: report }])
    const peer = crdtPeer({ datastore })
    await peer.start()

    assert.equal(peer.consensus.progress().damaged, true)
    assert.equal(peer.consensus.state.has(cidFor('pin 1')), true)
    await peer.stop()
    await datastore.start(signal)
    await markClean(datastore)
    await peer.start()
    assert.equal(peer.consensus.progress().damaged, false)
    await peer.stop()
  })
})
