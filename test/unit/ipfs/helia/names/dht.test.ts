import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { MemoryDatastore } from 'datastore-core/memory'
import { Key } from 'interface-datastore'
import { silentLogger } from '../../../../../src/base/log.ts'
import { limitDhtRecords, selectDhtRecord, validateDhtRecord } from '../../../../../src/ipfs/helia/names/dht-records.ts'
import { ipnsRoutingKey } from '../../../../../src/model/ipns-name.ts'
import { ProtobufWriter } from '../../../../../src/wire/protobuf.ts'
import { startHelia } from '../../../../support/helia.ts'
import type { RunningHelia } from '../../../../support/helia.ts'
import { makeNames } from '../../../../support/names.ts'
import { pollUntil, quietMs } from '../../../../support/poll.ts'

const running: RunningHelia[] = []

/** Nodes of a DHT on 127.0.0.1; all know the first. */
async function dhtOf (count: number): Promise<RunningHelia[]> {
  const nodes = await Promise.all(Array.from({ length: count }, async () => startHelia({ dht: 'server' })))
  running.push(...nodes)
  for (const { connector } of nodes) await connector.ready()
  const { addresses } = await nodes[0]?.connector.id() ?? { addresses: null }
  for (const { connector } of nodes.slice(1)) await connector.connect(addresses ?? [])
  return nodes
}

describe('names in the DHT', () => {
  after(async () => { await Promise.all(running.map(async node => node.close())) })

  it('are published by one node and resolved by another, which then follows the changes', { timeout: quietMs(30_000) }, async () => {
    const [hub, author, reader] = await dhtOf(3) as [RunningHelia, RunningHelia, RunningHelia]
    const { id } = await author.connector.names.keys.generate('site', { type: 'ed25519' })
    // the routing table learns of a peer a moment after it is connected
    await pollUntil(async () => author.connector.names.publish('/ipfs/bafkqaaa/1', { key: 'site' }).then(() => true, () => false))

    assert.equal((await reader.connector.names.resolveName(id)).value, '/ipfs/bafkqaaa/1')
    await author.connector.names.publish('/ipfs/bafkqaaa/2', { key: 'site' })
    assert.equal((await reader.connector.names.resolveName(id, { fresh: true })).value, '/ipfs/bafkqaaa/2')
    assert.equal((await hub.connector.names.resolveName(id)).value, '/ipfs/bafkqaaa/2')
    assert.equal(
      (await reader.connector.resolve(`/ipns/${id}`).catch(err => err.message)).includes('no link named "2" under bafkqaaa'), true
    )
  })

  it('that nobody published are not found', { timeout: quietMs(30_000) }, async () => {
    const [one] = await dhtOf(2) as [RunningHelia]

    await assert.rejects(
      one.connector.names.resolveName('k51qzi5uqu5dgl9jqmkjw8beb5y2y0u3s4itvv4jyeqs5jtb7iyl1tb60i5gf5', { fresh: true, timeoutMs: 10_000 }),
      { code: 'NOT_FOUND' }
    )
  })
})

describe('records that a server of the DHT keeps for others', () => {
  const keyOf = (name: string): Key => new Key(`/dht/record/${name}`, false)

  it('are checked by the key that they are for, and the best is chosen', async () => {
    const { names, self } = makeNames()
    const records: Uint8Array[] = []
    for (const n of [1, 2, 3]) {
      await names.publish(`/ipfs/bafkqaaa/${n}`, { key: 'self', allowOffline: true })
      records.push((await names.recordOf(self)).bytes)
    }

    await validateDhtRecord(ipnsRoutingKey(self), records[0] ?? new Uint8Array(0), Date.now())
    await assert.rejects(
      validateDhtRecord(ipnsRoutingKey(makeNames().self), records[0] ?? new Uint8Array(0), Date.now()), { code: 'INVALID_DATA' }
    )
    await assert.rejects(
      validateDhtRecord(new TextEncoder().encode('/ipns/x'), records[0] ?? new Uint8Array(0), Date.now()), { code: 'INVALID_DATA' }
    )
    assert.equal(selectDhtRecord([new Uint8Array(3), records[1], records[2], records[0]].map(one => one ?? new Uint8Array(0))), 2)
    assert.equal(selectDhtRecord([new Uint8Array(3)]), 0)
  })

  it('have an end: the one that came first goes, other rows stay', async () => {
    const store = limitDhtRecords(new MemoryDatastore(), { maxRecords: 3, maxBytes: 1000 }, { log: silentLogger })
    await store.put(new Key('/peers/x'), new Uint8Array(5000))
    for (const name of ['a', 'b', 'c', 'a', 'd']) await store.put(keyOf(name), new Uint8Array(100))

    assert.deepEqual(await Promise.all(['a', 'b', 'c', 'd'].map(async name => store.has(keyOf(name)))), [true, false, true, true])
    await store.put(keyOf('e'), new Uint8Array(900))
    assert.deepEqual(await Promise.all(['a', 'c', 'd', 'e'].map(async name => store.has(keyOf(name)))), [false, false, true, true])
    await store.delete(keyOf('d'))
    await store.put(keyOf('f'), new Uint8Array(100))
    assert.deepEqual(await Promise.all(['e', 'f'].map(async name => store.has(keyOf(name)))), [true, true])
    assert.equal(await store.has(new Key('/peers/x')), true)
  })

  it('do not give way to older ones', async () => {
    const { names, self } = makeNames()
    const store = limitDhtRecords(new MemoryDatastore(), { maxRecords: 3, maxBytes: 10_000 }, { log: silentLogger })
    const rows: Uint8Array[] = []
    for (const n of [1, 2]) {
      await names.publish(`/ipfs/bafkqaaa/${n}`, { key: 'self', allowOffline: true })
      rows.push(
        Uint8Array.from(
          new ProtobufWriter().bytesField(1, ipnsRoutingKey(self)).bytesField(
            2, (await names.recordOf(self)).bytes
          ).textField(5, '2026-11-28T00:00:00.000Z').finish()
        )
      )
    }
    const [older, newer] = rows as [Uint8Array, Uint8Array]

    await store.put(keyOf('a'), older)
    await store.put(keyOf('a'), newer)
    await store.put(keyOf('a'), older)

    assert.deepEqual(await store.get(keyOf('a')), newer)
  })
})
